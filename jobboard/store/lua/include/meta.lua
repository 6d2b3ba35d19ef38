-- @include key
-- What every call reads of the namespace first, once: its format, where it has one, how many ms its clock is ahead,
-- which it is only where a test made it, whether events are published, and whether runs have still to be told that their
-- job has another address.
-- TOUCHES   meta HASH
local meta_known = nil
local function meta()
  if not meta_known then
    local v = redis.call('HMGET', key('meta'), 'format', 'test', 'test_offset_ms', 'publishes', 'moving')
    meta_known = {format = v[1] or nil, ahead_ms = v[2] == '1' and tonumber(v[3] or nil) or 0,
      publishes = v[4] == '1', moving = v[5] and true}
  end
  return meta_known
end
