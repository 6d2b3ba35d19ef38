#!lua flags=allow-oom
-- Ends one worker now: at its own wish, or because somebody saw it die. What it still holds is lost.
-- KEYS      meta
-- ARGUMENTS worker=string reason=string limit=int
-- TOUCHES   meta HASH, workers ZSET, worker:<id> HASH, holding:<worker> SET, ctl:<worker> LIST, run:<id> HASH,
--           lock:<name> SET, lockwait:<name> ZSET, lockrescan SET, queue:<name> ZSET, queues SET, delay ZSET,
--           wake:<queue> LIST, events STREAM, history STREAM, failures STREAM, last:<address> LIST,
--           live:<address> SET, outputs ZSET, after:<parent> SET, fanout LIST, boards HASH, defs:<version> HASH,
--           holds HASH
-- RETURNS   "OK" {now, lost} | "MORE" {now, lost}
-- @include guard
-- @include arguments
-- @include now
-- @include reap_worker
local refused = guard()
if refused then return refused end
local at = now()
local lost = reap_worker(arguments.worker, at, arguments.limit, arguments.reason)
local left = redis.call('SCARD', key('holding', arguments.worker)) > 0
if left then return cmsgpack.pack({'MORE', at, lost}) end
return cmsgpack.pack({'OK', at, lost})
