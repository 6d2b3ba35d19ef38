#!lua
-- Has the next runs of a job that its schedule or its parents would make passed over, so many of them; 0 takes
-- back what was asked for before. Asking again replaces it.
-- KEYS      meta
-- ARGUMENTS address=string count=int by=map reason=string
-- TOUCHES   skips HASH
-- RETURNS   "OK" {left before} | "GONE"
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include audit
local refused = guard()
if refused then return refused end
local address = arguments.address
if not definition(address) then return cmsgpack.pack({'GONE'}) end
local packed = redis.call('HGET', key('skips'), address)
local before = packed and cmsgpack.unpack(packed).left or 0
if arguments.count > 0 then
  redis.call('HSET', key('skips'), address, cmsgpack.pack({left = arguments.count, by = arguments.by.actor,
    via = arguments.by.via, reason = arguments.reason, at = now()}))
else
  redis.call('HDEL', key('skips'), address)
end
if arguments.count ~= before then
  audit('skip-next', address, arguments.by, {count = arguments.count, reason = arguments.reason})
end
return cmsgpack.pack({'OK', before})
