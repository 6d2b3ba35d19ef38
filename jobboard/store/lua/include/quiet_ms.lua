-- @include key
-- @include now
-- For how many more milliseconds a sync keeps live edits waiting at most; nil where none does.
-- TOUCHES   quiet ZSET
local function quiet_ms()
  local last = redis.call('ZREVRANGE', key('quiet'), 0, 0, 'WITHSCORES')
  local left = last[2] and tonumber(last[2]) - now()
  return left and left > 0 and left or nil
end
