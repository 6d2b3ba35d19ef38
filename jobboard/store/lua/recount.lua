#!lua flags=allow-oom
-- Says whether a count of bytes is still what somebody saw it to be, where adding up came to another sum; mends it
-- when told to. A count that has moved meanwhile was seen too early to be judged.
-- KEYS      meta
-- ARGUMENTS name=string seen=int sum=int repair=bool
-- TOUCHES   meta HASH
-- RETURNS   "OK" {wrong}
-- @include guard
-- @include arguments
-- @include key
local refused = guard()
if refused then return refused end
local wrong = tonumber(redis.call('HGET', key('meta'), arguments.name) or 0) == arguments.seen
if wrong and arguments.repair then redis.call('HSET', key('meta'), arguments.name, arguments.sum) end
return cmsgpack.pack({'OK', wrong})
