-- @include key
-- When a job is due, also where a scheduler has it in hand; nil for one that is not.
-- TOUCHES   claim HASH, sched ZSET
local function due_of(address)
  local due = redis.call('ZSCORE', key('sched'), address)
  local claim = not due and redis.call('HGET', key('claim'), address)
  return tonumber(claim and cmsgpack.unpack(claim).d or due or nil)
end
