#!lua
-- Has runs that did not end well run again, each under its own id and nominal: the next attempt of what it was,
-- with the definition there is now. It never runs beside another of its job where the job forbids that, but
-- waits in the job's line. `mark` lets a repeat of the call find what it has made.
-- KEYS      meta
-- ARGUMENTS runs=[[run, record or false], ...] by=string reason=string mark=string force=bool
-- TOUCHES   meta HASH, active:<queue> SET, audit STREAM, awaited:<run> SET, blocked ZSET, boards HASH, config HASH,
--           ctl:<worker> LIST, day:<day> HASH, deadlines ZSET, defs:<version> HASH, delay ZSET, events STREAM,
--           expected ZSET, expiry ZSET, failures STREAM, halted SET, history STREAM, holding:<worker> SET,
--           incidents HASH, jobday:<day> HASH, last:<job> LIST, line:<job> ZSET, live:<job> SET,
--           lock:<lock> SET, lockrescan SET, lockwait:<lock> ZSET, minute:<minute> HASH, needs:<run> SET,
--           outputs ZSET, queue:<queue> ZSET, queues SET, run:<run> HASH, wake:<who> LIST, gate:<run> HASH,
--           gates ZSET, barrier:<lock> ZSET, barriers ZSET, aging ZSET, out:<run> STREAM, outbytes HASH, claim HASH,
--           claims ZSET, sched ZSET, used HASH
-- RETURNS   "OK" {now, [[tag, about], ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include again
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
local how = {by = arguments.by, reason = arguments.reason, mark = arguments.mark, force = arguments.force, at = at}
local answers = {}
for i, wanted in ipairs(arguments.runs) do
  local tag, about = again(wanted[1], wanted[2], how)
  if tag == 'RETRIED' then audit('retry', wanted[1], {actor = arguments.by}, {reason = arguments.reason}) end
  answers[i] = {tag, about or ''}
end
return cmsgpack.pack({'OK', at, answers})
