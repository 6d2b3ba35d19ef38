-- @include key
-- @include read_run
-- @include withdraw
-- @include place
-- @include postpone
-- Tells the runs that wait for one that has ended. One whose last need this was goes on; one that needed a
-- success that never came is handed to `tick`, which records it as skipped, so that a long chain ends in bites.
local function release(id, state, at)
  for _, child in ipairs(redis.call('SMEMBERS', key('awaited', id))) do
    local run = read_run(child)
    if run and run.state == 'blocked' then
      if state == 'ok' then
        redis.call('SREM', key('needs', child), id)
        local lined = redis.call('ZSCORE', key('line', run.job), child)
        if not lined and redis.call('EXISTS', key('needs', child)) == 0 then
          withdraw(run, at)
          place(run, at)
        end
      else
        withdraw(run, at)
        redis.call('HSET', key('run', child), 'state', 'delayed', 'doomed', 'after: ' .. id .. ' ' .. state)
        postpone(child, at)
      end
    end
  end
  redis.call('DEL', key('awaited', id))
end
