-- @include key
-- Takes a run's barrier away, if it has one: it starts, or is no longer among those that want its locks. Answers
-- whether it had one; who waits behind it is then for the caller to look at.
-- TOUCHES   barrier:<lock> ZSET, barriers ZSET, run:<run> HASH
local function lift(run)
  redis.call('HDEL', key('run', run.id), 'parks')
  if redis.call('ZREM', key('barriers'), run.id) == 0 then return false end
  for i = 1, #run.locks, 2 do redis.call('ZREM', key('barrier', run.locks[i]), run.id) end
  return true
end
