-- @include key
-- @include read_run
-- @include overtaken
-- @include conclude
-- @include requeue
-- @include lose
-- Takes the result of one attempt, if it is the run's present one, and does what its verdict says; answers
-- what became of it in a word.
-- TOUCHES   run:<run> HASH
local function accept(result, worker, at)
  local run = read_run(result.run)
  if not run or run.token ~= result.token then return overtaken(result.run, result.token, run, worker, at) end
  local verdict = result.verdict
  local outcome = {reason = result.reason, exit = result.exit, signal = result.signal,
    started_at = result.started_ago_ms and at - result.started_ago_ms, ended_at = at - (result.ended_ago_ms or 0),
    output_bytes = result.output_bytes, dropped_bytes = result.dropped_bytes, group = result.group}
  if run.cancel and (verdict == 'retry' or verdict == 'defer' or verdict == 'drained' or verdict == 'drop') then
    verdict = 'cancelled'
  end
  if verdict == 'lost' then
    lose(run, at, outcome)
    return 'FINISHED'
  elseif verdict == 'drop' then
    outcome.quiet = true
    conclude(run, 'skipped', at, outcome)
    return 'FINISHED'
  elseif verdict ~= 'retry' and verdict ~= 'defer' and verdict ~= 'drained' then
    conclude(run, verdict, at, outcome)
    return 'FINISHED'
  end
  local try = {attempt = run.attempt, token = run.token, state = verdict, worker = run.worker, reason = outcome.reason,
    started_at = outcome.started_at, ended_at = outcome.ended_at, exit = outcome.exit, signal = outcome.signal,
    group = outcome.group}
  if verdict == 'retry' then redis.call('HSET', key('run', run.id), 'attempt', run.attempt + 1) end
  if verdict == 'defer' then redis.call('HSET', key('run', run.id), 'defers', run.defers + 1) end
  requeue(run, at, try, verdict ~= 'drained' and result.delay_ms)
  return verdict == 'defer' and 'DEFERRED' or 'RETRIED'
end
