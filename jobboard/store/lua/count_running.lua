#!lua
-- Goes on counting what runs of a queue that was given a limit. Whoever looks for runs in the queue does so too, so
-- this only makes that soon: any number of calls, by anybody, count each run once.
-- KEYS      meta
-- ARGUMENTS queue=string
-- TOUCHES   limits HASH
-- RETURNS   "OK" {counted}
-- @include guard
-- @include arguments
-- @include count_active
local refused = guard()
if refused then return refused end
local packed = redis.call('HGET', key('limits'), arguments.queue)
local rule = packed and cmsgpack.unpack(packed)
return cmsgpack.pack({'OK', not (rule and rule.counting) or count_active(arguments.queue, rule)})
