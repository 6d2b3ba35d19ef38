#!lua flags=allow-oom
-- Ends one worker now: at its own wish, or because somebody saw it die. What it still holds is lost.
-- KEYS      meta
-- ARGUMENTS worker=string reason=string limit=int by=map
-- TOUCHES   holding:<worker> SET
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
