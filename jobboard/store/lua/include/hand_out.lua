-- @include key
-- @include pick
-- @include read_run
-- @include missing_lock
-- @include park
-- @include postpone
-- @include rescan
-- @include event
-- @include wake
-- Hands a worker its next runs: the best of its queues, each with all its locks, under a new token each. One
-- that misses a lock waits at that lock. Answers what the worker is to know of each; to the same request
-- again, after a lost reply, the same.
local function hand_out(worker, queues, limit, request, at)
  local entries, taken, runs = {}, {}, {}
  local function entry(run)
    return {run.id, run.job, run.nominal, run.attempt, run.token, redis.call('HGET', key('run', run.id), 'spec'),
      run.trigger, run.lost, run.defers, run.queued_at, run.due_at, run.revision}
  end
  local packed = redis.call('HGET', key('worker', worker), 'reserved')
  local before = packed and cmsgpack.unpack(packed)
  if before and before[1] == request then
    for _, id in ipairs(before[2]) do
      local run = read_run(id)
      if run and run.worker == worker then entries[#entries + 1] = entry(run) end
    end
    return entries
  end

  local examined = 0
  while #runs < limit and examined < limit + 64 do
    local ids = pick(queues, math.min(limit - #runs, limit + 64 - examined, 500))
    if #ids == 0 then break end
    examined = examined + #ids
    for _, id in ipairs(ids) do
      local run = read_run(id)
      local expired = run and run.expires and run.expires <= at
      local missing = run and not expired and missing_lock(run.locks)
      if missing then
        park(run, missing, at)
      elseif expired then
        redis.call('HSET', key('run', id), 'state', 'delayed')
        postpone(id, at)
      elseif run then
        if run.expires then
          redis.call('ZREM', key('expiry'), id)
          redis.call('HDEL', key('run', id), 'expires')
        end
        for i = 1, #run.locks, 2 do redis.call('SADD', key('lock', run.locks[i]), id) end
        runs[#runs + 1] = run
        taken[#taken + 1] = id
      end
    end
  end
  if #runs > 0 then
    local token = redis.call('HINCRBY', key('meta'), 'token', #runs) - #runs
    for start = 1, #runs, 500 do
      redis.call('SADD', key('holding', worker), unpack(taken, start, math.min(start + 499, #taken)))
    end
    for i, run in ipairs(runs) do
      run.token = token + i
      redis.call('HSET', key('run', run.id), 'state', 'running', 'worker', worker, 'token', run.token,
        'reserved_at', at)
      if run.lost > 0 then redis.call('HDEL', key('run', run.id), 'lost_token') end
      entries[i] = entry(run)
      event('reserved', run.job, run.id, at, 'worker', worker, 'attempt', run.attempt)
    end
  end
  redis.call('HSET', key('worker', worker), 'reserved', cmsgpack.pack({request, taken}))
  rescan(at)
  for _, queue in ipairs(queues) do
    if redis.call('EXISTS', key('queue', queue)) == 1 and redis.call('EXISTS', key('wake', queue)) == 0 then
      wake(queue)
    end
  end
  return entries
end
