#!lua
-- Takes results as `finish` does, then hands out runs as `reserve` does: one call where a busy worker would
-- make two. Without allow-oom: refused for memory nothing was done, and the same results go through `finish`.
-- KEYS      meta
-- ARGUMENTS worker=string results=[{run, token, verdict, delay_ms, exit, signal, reason, started_ago_ms,
--           ended_ago_ms, output_bytes, dropped_bytes, group}, ...] queues=list rooms=list limit=int
--           order=string request=string
-- TOUCHES   meta HASH, boards HASH, defs:<version> HASH, after:<parent> SET, holds HASH, run:<run> HASH,
--           live:<job> SET, queue:<queue> ZSET, queues SET, limits HASH, active:<queue> SET, pace HASH,
--           throttled ZSET, delay ZSET, wake:<who> LIST, workers ZSET, worker:<worker> HASH, holding:<worker> SET,
--           lock:<lock> SET, lockwait:<lock> ZSET, lockrescan SET, fanout LIST, fanout:<list> SET,
--           history STREAM, failures STREAM, last:<job> LIST, outputs ZSET, events STREAM, awaited:<run> SET,
--           expiry ZSET, needs:<run> SET, blocked ZSET, minute:<minute> HASH, day:<day> HASH, jobday:<day> HASH,
--           skips HASH, joins:<job> HASH, config HASH, halted SET, deadlines ZSET, expected ZSET,
--           incidents HASH, ctl:<worker> LIST, line:<job> ZSET, asks:<job> ZSET, gate:<run> HASH, gates ZSET,
--           outcomes:<job> ZSET, told HASH, barrier:<lock> ZSET, barriers ZSET, aging ZSET, out:<run> STREAM,
--           outbytes HASH, claim HASH, claims ZSET, sched ZSET, used HASH
-- RETURNS   "OK" {now, [tag, ...], [run as reserve has it, ...]} | "UNKNOWN" {now, [tag, ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include accept_all
-- @include hand_out
local refused = guard()
if refused then return refused end
local at = now()
local tags = accept_all(arguments.results, arguments.worker, at)
if not redis.call('ZSCORE', key('workers'), arguments.worker) then return cmsgpack.pack({'UNKNOWN', at, tags}) end
local wish = {queues = arguments.queues, rooms = arguments.rooms, limit = arguments.limit,
  order = arguments.order, request = arguments.request}
local entries = hand_out(arguments.worker, wish, at)
return cmsgpack.pack({'OK', at, tags, entries})
