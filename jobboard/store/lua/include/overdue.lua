-- @include key
-- @include read_run
-- @include open_gate
-- @include conclude
-- A run has waited at its gate for as long as it was to. What it still waits for decides what becomes of it.
-- TOUCHES   gate:<run> HASH, gates ZSET
local function overdue(id, at)
  local run, ended, why, next_at = read_run(id), nil, nil, nil
  if not run then
    redis.call('ZREM', key('gates'), id)
    return
  end
  local asks = redis.call('HGETALL', key('gate', id))
  for i = 1, #asks, 2 do
    local ask = cmsgpack.unpack(asks[i + 1])
    if not ask['until'] or ask['until'] > at then
      if ask['until'] then next_at = math.min(next_at or ask['until'], ask['until']) end
    elseif ask.policy == 'run' then
      open_gate(id, run.job, asks[i], at)
    else
      ended = (ended == 'failed' or ask.policy == 'fail') and 'failed' or 'skipped'
      why = why or 'needs: ' .. ask.shown .. ' did not come in time'
    end
  end
  if run.state == 'blocked' and ended then
    conclude(run, ended, at, {reason = why, quiet = ended == 'skipped'})
  elseif next_at and redis.call('EXISTS', key('gate', id)) == 1 then
    redis.call('ZADD', key('gates'), next_at, id)
  else
    redis.call('ZREM', key('gates'), id)
  end
end
