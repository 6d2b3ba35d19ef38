-- @include key
-- What every call reads of the namespace first, once: its format, where it has one, how many ms its clock is ahead,
-- which it is only where a test made it, and whether events are published.
-- TOUCHES   meta HASH
local meta_known = nil
local function meta()
  if not meta_known then
    local v = redis.call('HMGET', key('meta'), 'format', 'test', 'test_offset_ms', 'publishes')
    meta_known = {format = v[1] or nil, ahead_ms = v[2] == '1' and tonumber(v[3] or nil) or 0,
      publishes = v[4] == '1'}
  end
  return meta_known
end
