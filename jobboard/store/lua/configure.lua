#!lua flags=allow-oom
-- Sets bounds of what is kept, false for the built-in one, and who did; then drops what is beyond them, a page a
-- call: asked again with no bounds it goes on. Whether events are published is no bound, and lies where every call
-- looks anyway.
-- KEYS      meta
-- ARGUMENTS bounds=[[name, value], ...] by=map
-- TOUCHES   config HASH, meta HASH
-- RETURNS   "OK" | "MORE"
-- @include guard
-- @include arguments
-- @include now
-- @include audit
-- @include forget
-- @include forget_outputs
local refused = guard()
if refused then return refused end
for _, bound in ipairs(arguments.bounds) do
  local name, value = bound[1], bound[2]
  local place = name == 'publishes' and key('meta') or key('config')
  if value then
    redis.call('HSET', place, name, value)
  else
    redis.call('HDEL', place, name)
  end
  audit('config', name, arguments.by, {value = value})
end
local at = now()
local before = redis.call('HMGET', key('meta'), 'history_bytes', 'output_bytes')
local dropped = tonumber(before[1] or 0) - forget(0, at) + tonumber(before[2] or 0) - forget_outputs(0)
if dropped > 0 then return cmsgpack.pack({'MORE'}) end
return cmsgpack.pack({'OK'})
