-- @include key
-- @include event
-- Lets a run wait for a lock, at the place its age and priority give it. One that comes to wait for the eighth time
-- raises a barrier at all its locks, ranked by its age alone: nobody younger goes before it any more.
-- TOUCHES   barrier:<lock> ZSET, barriers ZSET, lockwait:<lock> ZSET, run:<run> HASH
local function park(run, lock, at)
  local PATIENCE = 8
  redis.call('ZADD', key('lockwait', lock), run.score, run.id)
  redis.call('HSET', key('run', run.id), 'state', 'waiting', 'lock', lock)
  local parks = redis.call('HINCRBY', key('run', run.id), 'parks', 1)
  if parks >= PATIENCE then
    for i = 1, #run.locks, 2 do
      redis.call('ZADD', key('barrier', run.locks[i]), run.score % 1099511627776, run.id)
    end
    redis.call('ZADD', key('barriers'), 9007199254740991, run.id)
  end
  event('waiting', run.job, run.id, at, 'lock', lock)
end
