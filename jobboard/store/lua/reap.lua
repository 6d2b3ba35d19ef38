#!lua flags=allow-oom
-- Ends one worker now: at its own wish, or because somebody saw it die. What it still holds is lost.
-- KEYS      meta
-- ARGUMENTS worker=string reason=string limit=int by=map
-- TOUCHES   meta HASH, boards HASH, defs:<version> HASH, after:<parent> SET, holds HASH, run:<run> HASH,
--           live:<job> SET, queue:<queue> ZSET, queues SET, active:<queue> SET, delay ZSET, wake:<who> LIST,
--           ctl:<worker> LIST, workers ZSET, worker:<worker> HASH, holding:<worker> SET, lock:<lock> SET,
--           lockwait:<lock> ZSET, lockrescan SET, fanout LIST, fanout:<list> SET, history STREAM, failures STREAM,
--           last:<job> LIST, outputs ZSET, events STREAM, awaited:<run> SET, expiry ZSET, needs:<run> SET,
--           blocked ZSET, minute:<minute> HASH, day:<day> HASH, jobday:<day> HASH, skips HASH,
--           joins:<job> HASH, config HASH, halted SET, deadlines ZSET, expected ZSET, incidents HASH,
--           line:<job> ZSET, asks:<job> ZSET, gate:<run> HASH, gates ZSET, outcomes:<job> ZSET, told HASH,
--           barrier:<lock> ZSET, barriers ZSET, aging ZSET, out:<run> STREAM, outbytes HASH, audit STREAM,
--           claim HASH, claims ZSET, sched ZSET, used HASH
-- RETURNS   "OK" {now, lost} | "MORE" {now, lost}
-- @include guard
-- @include arguments
-- @include now
-- @include reap_worker
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
if arguments.by then audit('forget', 'worker:' .. arguments.worker, arguments.by) end
local lost = reap_worker(arguments.worker, at, arguments.limit, arguments.reason)
local left = redis.call('SCARD', key('holding', arguments.worker)) > 0
if left then return cmsgpack.pack({'MORE', at, lost}) end
return cmsgpack.pack({'OK', at, lost})
