-- @include key
-- @include proceed
-- A run of a job has nothing left to wait for of one other; where that was the last one it goes on.
-- TOUCHES   gate:<run> HASH, gated:<job> ZSET, gates ZSET
local function open_gate(id, job, parent, at)
  redis.call('HDEL', key('gate', id), parent)
  redis.call('ZREM', key('gated', job), id .. ' ' .. parent)
  if redis.call('EXISTS', key('gate', id)) == 1 then return end
  redis.call('ZREM', key('gates'), id)
  proceed(id, at)
end
