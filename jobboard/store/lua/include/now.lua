-- @include key
-- The store's time in milliseconds since the epoch. In a namespace made for tests, and only there, the
-- offset that the test sets is added.
-- TOUCHES   meta HASH
local function now()
  local t = redis.call('TIME')
  local ms = t[1] * 1000 + math.floor(t[2] / 1000)
  local test = redis.call('HMGET', key('meta'), 'test', 'test_offset_ms')
  if test[1] == '1' and test[2] then ms = ms + tonumber(test[2]) end
  return ms
end
