-- @include key
-- @include proceed
-- A run has nothing left to wait for of one job; where that was the last one it goes on.
-- TOUCHES   gate:<run> HASH, gates ZSET
local function open_gate(id, parent, at)
  redis.call('HDEL', key('gate', id), parent)
  if redis.call('EXISTS', key('gate', id)) == 1 then return end
  redis.call('ZREM', key('gates'), id)
  proceed(id, at)
end
