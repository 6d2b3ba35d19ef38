-- @include key
-- Refuses a namespace of another major format before anything is written; makes the namespace's meta on
-- the first call. Answers nil to go on, or the reply to give.
local FORMAT_MAJOR = 1
local function guard()
  local format = redis.call('HGET', key('meta'), 'format')
  if not format then
    redis.call('HSET', key('meta'), 'format', FORMAT_MAJOR .. '.0', 'incarnation', redis.call('TIME')[1] .. redis.call('TIME')[2])
    return nil
  end
  if tonumber(string.match(format, '^(%d+)')) ~= FORMAT_MAJOR then
    return cmsgpack.pack({'WRONG_FORMAT', format})
  end
  return nil
end
