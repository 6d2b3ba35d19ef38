-- @include key
-- @include meta
-- @include refusal
-- Stands first in every script that writes: refuses a namespace of another major format before anything
-- is written, and makes the namespace's meta on the first call; an older minor format becomes this one. Answers nil
-- to go on, or the reply to give.
-- TOUCHES   meta HASH
local function guard()
  local FORMAT = '1.1'
  local refused = refusal()
  if refused then return refused end
  local format = meta().format
  if not format or format == '1.0' then
    redis.call('HSET', key('meta'), 'format', FORMAT)
    if not format then redis.call('HSET', key('meta'), 'indexed', '1') end
    local t = redis.call('TIME')
    redis.call('HSETNX', key('meta'), 'incarnation', t[1] .. '.' .. string.format('%06d', t[2]))
  end
  return nil
end
