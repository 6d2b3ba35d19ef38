#!lua flags=allow-oom
-- A scheduler stops: what it claimed is due again at once, and it is no longer listed.
-- KEYS      meta
-- ARGUMENTS scheduler=string limit=int
-- TOUCHES   schedulers ZSET, wake:<who> LIST, zonedata HASH
-- RETURNS   "OK"
-- @include guard
-- @include arguments
-- @include now
-- @include surrender
-- @include reclaim
local refused = guard()
if refused then return refused end
surrender(arguments.scheduler, arguments.limit)
reclaim(now(), arguments.limit)
redis.call('ZREM', key('schedulers'), arguments.scheduler)
redis.call('HDEL', key('zonedata'), arguments.scheduler)
redis.call('LPUSH', key('wake', 'scheduler'), 'resign')
redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
return cmsgpack.pack({'OK'})
