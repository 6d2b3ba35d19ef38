-- @include key
-- @include missing_lock
-- @include withdraw
-- @include event
-- Gives a run that was lost, and that nobody has taken since, back to the worker that has it after all: the
-- same attempt goes on under its old token. Answers whether it could.
-- TOUCHES   active:<queue> SET, holding:<worker> SET, limits HASH, lock:<lock> SET, run:<run> HASH
local function adopt(run, worker, token, at)
  local lost = redis.call('HGET', key('run', run.id), 'lost_token')
  if not lost or tonumber(lost) ~= token then return false end
  if (run.state ~= 'queued' and run.state ~= 'waiting') or missing_lock(run) then return false end
  withdraw(run, at)
  for i = 1, #run.locks, 2 do redis.call('SADD', key('lock', run.locks[i]), run.id) end
  local try = table.remove(run.tries)
  redis.call('HSET', key('run', run.id), 'state', 'running', 'worker', worker, 'token', token,
    'reserved_at', try and try.started_at or at, 'lost', run.lost - 1, 'tries', cmsgpack.pack(run.tries))
  redis.call('HDEL', key('run', run.id), 'lost_token')
  redis.call('SADD', key('holding', worker), run.id)
  if redis.call('HEXISTS', key('limits'), run.queue) == 1 then redis.call('SADD', key('active', run.queue), run.id) end
  event('adopted', run.job, run.id, at, 'worker', worker)
  return true
end
