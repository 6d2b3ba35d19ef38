-- @include key
-- @include read_run
-- @include lose
-- @include wake
-- Ends a worker's registration and loses what it held, at most `limit` runs a call; answers how many it did.
-- Whoever was woken for a queue and died before looking is made up for: the queue wakes another.
-- TOUCHES   ctl:<worker> LIST, holding:<worker> SET, queue:<queue> ZSET, worker:<worker> HASH, workers ZSET
local function reap_worker(worker, at, limit, reason)
  local held_runs = redis.call('SRANDMEMBER', key('holding', worker), limit)
  for _, id in ipairs(held_runs) do
    local run = read_run(id)
    if run and run.worker == worker then
      lose(run, at, {reason = reason})
    else
      redis.call('SREM', key('holding', worker), id)
    end
  end
  if redis.call('SCARD', key('holding', worker)) == 0 then
    local queues = redis.call('HGET', key('worker', worker), 'queues')
    for _, queue in ipairs(queues and cmsgpack.unpack(queues) or {}) do
      if redis.call('EXISTS', key('queue', queue)) == 1 then wake(queue) end
    end
    redis.call('ZREM', key('workers'), worker)
    redis.call('DEL', key('worker', worker), key('ctl', worker))
    event('worker gone', '', nil, at, 'worker', worker, 'reason', reason)
  end
  return #held_runs
end
