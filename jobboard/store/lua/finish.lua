#!lua flags=allow-oom
-- Takes the results of attempts. A result counts only under the token its attempt was handed out with; what
-- a worker sends after its run was given to another is fenced off, and the run remembers that two overlapped.
-- Instants come as spans before now, so that no worker's clock is ever written down.
-- KEYS      meta
-- ARGUMENTS worker=string results=[{run, token, verdict, delay_ms, exit, signal, reason, started_ago_ms,
--           ended_ago_ms, output_bytes, dropped_bytes, group}, ...]
-- TOUCHES   meta HASH, boards HASH, defs:<version> HASH, after:<parent> SET, holds HASH, run:<run> HASH,
--           live:<job> SET, queue:<queue> ZSET, queues SET, active:<queue> SET, delay ZSET, wake:<who> LIST,
--           holding:<worker> SET, lock:<lock> SET, lockwait:<lock> ZSET, lockrescan SET, fanout LIST,
--           fanout:<list> SET, history STREAM, failures STREAM, last:<job> LIST, outputs ZSET, events STREAM,
--           awaited:<run> SET, expiry ZSET, needs:<run> SET, blocked ZSET, minute:<minute> HASH, day:<day> HASH,
--           jobday:<day> HASH, skips HASH, joins:<job> HASH, config HASH, halted SET, deadlines ZSET,
--           expected ZSET, incidents HASH, ctl:<worker> LIST, line:<job> ZSET, asks:<job> ZSET, gate:<run> HASH,
--           gates ZSET, outcomes:<job> ZSET, told HASH, barrier:<lock> ZSET, barriers ZSET, aging ZSET,
--           out:<run> STREAM, outbytes HASH, claim HASH, claims ZSET, sched ZSET, used HASH
-- RETURNS   "OK" {now, [tag, ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include accept_all
local refused = guard()
if refused then return refused end
local at = now()
local tags = accept_all(arguments.results, arguments.worker, at)
return cmsgpack.pack({'OK', at, tags})
