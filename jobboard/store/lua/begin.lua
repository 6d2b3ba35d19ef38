#!lua
-- Opens a stage: a unique number under which a sync writes what nobody sees until `commit`, and the number
-- its revision will have if no other sync commits first.
-- KEYS      meta
-- ARGUMENTS
-- TOUCHES   meta HASH, stages ZSET
-- RETURNS   "OK" {stage, now, number}
-- @include guard
-- @include now
local refused = guard()
if refused then return refused end
local at = now()
local stage = redis.call('HINCRBY', key('meta'), 'seq', 1)
redis.call('ZADD', key('stages'), at, stage)
local number = (redis.call('HGET', key('meta'), 'revision') or 0) + 1
return cmsgpack.pack({'OK', stage, at, number})
