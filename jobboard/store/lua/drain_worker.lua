#!lua
-- Tells a worker to take nothing new, let its runs end, and stop: as TERM does, from wherever one is.
-- KEYS      meta
-- ARGUMENTS worker=string by=map
-- TOUCHES   ctl:<worker> LIST, worker:<worker> HASH, workers ZSET
-- RETURNS   "OK" | "UNKNOWN"
-- @include guard
-- @include arguments
-- @include now
-- @include event
-- @include audit
local refused = guard()
if refused then return refused end
local worker = arguments.worker
if not redis.call('ZSCORE', key('workers'), worker) then return cmsgpack.pack({'UNKNOWN'}) end
redis.call('HSET', key('worker', worker), 'state', 'draining')
redis.call('RPUSH', key('ctl', worker), cmsgpack.pack({drain = true}))
event('draining', '', nil, now(), 'worker', worker, 'by', arguments.by.actor)
audit('drain', 'worker:' .. worker, arguments.by)
return cmsgpack.pack({'OK'})
