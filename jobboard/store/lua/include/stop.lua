-- @include key
-- @include event
-- Tells the worker of a running run to stop it; the run is stopping until the worker says how it ended.
-- TOUCHES   ctl:<worker> LIST, run:<run> HASH
local function stop(run, actor, at)
  redis.call('HSET', key('run', run.id), 'state', 'stopping', 'cancel', actor)
  redis.call('RPUSH', key('ctl', run.worker), cmsgpack.pack({cancel = run.id, token = run.token}))
  event('stopping', run.job, run.id, at, 'by', actor)
end
