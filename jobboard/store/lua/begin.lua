#!lua
-- Opens a stage: a unique number under which a sync writes what nobody sees until `commit`.
-- KEYS      meta
-- ARGUMENTS
-- TOUCHES   meta HASH, stages ZSET
-- RETURNS   "OK" {stage, now}
-- @include guard
-- @include now
local refused = guard()
if refused then return refused end
local at = now()
local stage = redis.call('HINCRBY', key('meta'), 'seq', 1)
redis.call('ZADD', key('stages'), at, stage)
return cmsgpack.pack({'OK', stage, at})
