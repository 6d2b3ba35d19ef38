-- @include key
-- @include enqueue
-- @include postpone
-- @include event
-- Puts a run where it has to wait first: for other runs and at its gate, then for its instant, then in its queue.
-- TOUCHES   blocked ZSET, gate:<run> HASH, needs:<run> SET, run:<run> HASH
local function place(run, at)
  if redis.call('EXISTS', key('needs', run.id)) == 1 or redis.call('EXISTS', key('gate', run.id)) == 1 then
    redis.call('HSET', key('run', run.id), 'state', 'blocked')
    redis.call('ZADD', key('blocked'), at, run.id)
    event('blocked', run.job, run.id, at)
  elseif run.due_at > at then
    redis.call('HSET', key('run', run.id), 'state', 'delayed')
    postpone(run.id, run.due_at)
    event('delayed', run.job, run.id, at, 'due', string.format('%.0f', run.due_at))
  else
    enqueue(run.id, run.queue, run.score)
    event('queued', run.job, run.id, at, 'trigger', run.trigger)
  end
end
