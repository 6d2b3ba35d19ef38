#!lua flags=allow-oom
-- Calls a run off: one that is not running ends here and now; of a running one the worker is told, and the
-- run is stopping until the worker says how it ended.
-- KEYS      meta
-- ARGUMENTS run=string actor=string
-- TOUCHES   meta HASH, boards HASH, defs:<version> HASH, after:<parent> SET, holds HASH, audit STREAM,
--           run:<run> HASH, live:<job> SET, queue:<queue> ZSET, queues SET, active:<queue> SET, delay ZSET,
--           wake:<who> LIST, ctl:<worker> LIST, holding:<worker> SET, lock:<lock> SET, lockwait:<lock> ZSET,
--           lockrescan SET, fanout LIST, fanout:<list> SET, history STREAM, failures STREAM, last:<job> LIST,
--           outputs ZSET, events STREAM, awaited:<run> SET, expiry ZSET, needs:<run> SET, blocked ZSET,
--           minute:<minute> HASH, day:<day> HASH, jobday:<day> HASH, skips HASH, joins:<job> HASH,
--           config HASH, halted SET
-- RETURNS   "CANCELLED" | "STOPPING" | "ALREADY" | "UNKNOWN"
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include conclude
-- @include event
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
local run = read_run(arguments.run)
if not run then
  for _, packed in ipairs(redis.call('LRANGE', key('last', string.match(arguments.run, '^[^@]*')), 0, 19)) do
    if cmsgpack.unpack(packed).id == arguments.run then return cmsgpack.pack({'ALREADY'}) end
  end
  return cmsgpack.pack({'UNKNOWN'})
end
if run.state == 'stopping' then return cmsgpack.pack({'ALREADY'}) end
audit('cancel', run.id, {actor = arguments.actor})
redis.call('HSET', key('run', run.id), 'cancel', arguments.actor)
run.cancel = arguments.actor
if run.state == 'running' then
  redis.call('HSET', key('run', run.id), 'state', 'stopping')
  redis.call('RPUSH', key('ctl', run.worker), cmsgpack.pack({cancel = run.id, token = run.token}))
  event('stopping', run.job, run.id, at, 'by', arguments.actor)
  return cmsgpack.pack({'STOPPING'})
end
conclude(run, 'cancelled', at, {reason = 'cancelled by ' .. arguments.actor})
return cmsgpack.pack({'CANCELLED'})
