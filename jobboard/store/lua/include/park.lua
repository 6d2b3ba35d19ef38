-- @include key
-- @include event
-- Lets a run wait for a lock, at the place its age and priority give it.
local function park(run, lock, at)
  redis.call('ZADD', key('lockwait', lock), run.score, run.id)
  redis.call('HSET', key('run', run.id), 'state', 'waiting', 'lock', lock)
  event('waiting', run.job, run.id, at, 'lock', lock)
end
