-- @include key
-- @include conclude
-- @include event
-- Calls a run off: one that is not running ends here and now, of a running one the worker is told. Answers
-- CANCELLED, STOPPING, or ALREADY where that was done before.
local function call_off(run, actor, at)
  if run.state == 'stopping' then return 'ALREADY' end
  redis.call('HSET', key('run', run.id), 'cancel', actor)
  run.cancel = actor
  if run.state == 'running' then
    redis.call('HSET', key('run', run.id), 'state', 'stopping')
    redis.call('RPUSH', key('ctl', run.worker), cmsgpack.pack({cancel = run.id, token = run.token}))
    event('stopping', run.job, run.id, at, 'by', actor)
    return 'STOPPING'
  end
  conclude(run, 'cancelled', at, {reason = 'cancelled by ' .. actor})
  return 'CANCELLED'
end
