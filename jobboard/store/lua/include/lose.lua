-- @include key
-- @include conclude
-- @include requeue
-- An attempt whose worker is gone. The job's on_lost decides; whatever it says, a run that has taken three
-- workers down is not tried again.
-- TOUCHES   run:<run> HASH
local function lose(run, at, outcome)
  run.lost = run.lost + 1
  redis.call('HSET', key('run', run.id), 'lost', run.lost)
  local rule = run.launch.x or 'retry'
  outcome.reason = outcome.reason or 'worker lost'
  event('lost', run.job, run.id, at, 'worker', run.worker, 'reason', outcome.reason)
  if run.cancel then
    conclude(run, 'cancelled', at, outcome)
  elseif rule == 'retry' and run.lost < 3 then
    redis.call('HSET', key('run', run.id), 'lost_token', run.token)
    requeue(run, at, {attempt = run.attempt, token = run.token, state = 'lost', worker = run.worker,
      started_at = outcome.started_at or run.reserved_at, ended_at = outcome.ended_at or at,
      reason = outcome.reason})
  elseif rule == 'retry' then
    outcome.reason = outcome.reason .. ', for the third time'
    conclude(run, 'lost', at, outcome)
  else
    outcome.quiet = rule == 'skip'
    conclude(run, 'lost', at, outcome)
  end
end
