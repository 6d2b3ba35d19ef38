-- @include key
-- @include withdraw
-- @include enqueue
-- @include postpone
-- @include event
-- Gives a run back to its queue at its old place, at once or after a delay. try is what to remember of the
-- attempt that ended, or nil where none was made.
-- TOUCHES   run:<run> HASH
local function requeue(run, at, try, delay_ms)
  withdraw(run, at)
  redis.call('HDEL', key('run', run.id), 'token', 'worker', 'reserved_at', 'unlocked')
  local reason = try and try.reason or ''
  if try then
    run.tries[#run.tries + 1] = try
    if #run.tries > 20 then table.remove(run.tries, 1) end
    redis.call('HSET', key('run', run.id), 'tries', cmsgpack.pack(run.tries))
  end
  if delay_ms and delay_ms > 0 then
    redis.call('HSET', key('run', run.id), 'state', 'delayed', 'reason', reason)
    postpone(run.id, at + delay_ms)
    event(try.state, run.job, run.id, at, 'reason', reason, 'delay_ms', string.format('%.0f', delay_ms))
  else
    enqueue(run.id, run.queue, run.score)
    event('queued', run.job, run.id, at, 'trigger', run.trigger, 'reason', reason)
  end
end
