#!lua flags=allow-oom
-- Takes back runs that a worker reserved and never started: to their old places, nothing counted.
-- KEYS      meta
-- ARGUMENTS worker=string runs=[{run, token}, ...]
-- TOUCHES   meta HASH, boards HASH, defs:<version> HASH, after:<parent> SET, holds HASH, run:<run> HASH,
--           live:<job> SET, queue:<queue> ZSET, queues SET, active:<queue> SET, delay ZSET, wake:<who> LIST,
--           holding:<worker> SET, lock:<lock> SET, lockwait:<lock> ZSET, lockrescan SET, fanout LIST,
--           fanout:<list> SET, history STREAM, failures STREAM, last:<job> LIST, outputs ZSET, events STREAM,
--           awaited:<run> SET, expiry ZSET, needs:<run> SET, blocked ZSET, minute:<minute> HASH, day:<day> HASH,
--           jobday:<day> HASH, skips HASH, joins:<job> HASH, config HASH, halted SET, deadlines ZSET,
--           expected ZSET, incidents HASH, ctl:<worker> LIST, line:<job> ZSET, asks:<job> ZSET, gate:<run> HASH,
--           gates ZSET, outcomes:<job> ZSET, told HASH, barrier:<lock> ZSET, barriers ZSET, aging ZSET,
--           out:<run> STREAM, outbytes HASH, claim HASH, claims ZSET, sched ZSET, used HASH
-- RETURNS   "OK" {now, given}
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include requeue
-- @include conclude
local refused = guard()
if refused then return refused end
local at = now()
local given = 0
for _, pair in ipairs(arguments.runs) do
  local run = read_run(pair[1])
  if run and run.token == pair[2] and run.worker == arguments.worker then
    if run.cancel then
      conclude(run, 'cancelled', at, {reason = 'cancelled by ' .. run.cancel})
    else
      requeue(run, at)
    end
    given = given + 1
  end
end
return cmsgpack.pack({'OK', at, given})
