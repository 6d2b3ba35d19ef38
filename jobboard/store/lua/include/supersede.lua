-- @include key
-- @include read_run
-- @include close
-- @include withdraw
-- @include stop
-- @include note
-- @include release
-- @include recover
-- Makes way for a newer run of a job. What waits in the job's line gives up its place; under 'replace' so does
-- every other run that has not started, and what runs is told to stop. Answers those that ended here and have
-- dependents to tell, as {nominal, suffix, state, family, by}. Of a job with more than a hundred unfinished
-- runs that many make way, and the next run goes on with the rest.
-- TOUCHES   deadlines ZSET, expiry ZSET, line:<job> ZSET, live:<job> SET, run:<run> HASH
local function supersede(address, by, turn, at)
  local passed, ids = {}, redis.call('ZRANGE', key('line', address), 0, 99)
  if turn == 'replace' then
    for _, id in ipairs(redis.call('SRANDMEMBER', key('live', address), 100)) do ids[#ids + 1] = id end
  end
  for _, id in ipairs(ids) do
    local run = read_run(id)
    local state = nil
    if run and run.state == 'running' then
      stop(run, by, at)
    elseif run and run.state ~= 'stopping' and (run.trigger == 'manual' or #run.tries > 0
      or run.launch.tracked) then
      state, run.cancel = 'cancelled', by
      close(run, state, at, {reason = 'cancelled by ' .. by})
    elseif run and run.state ~= 'stopping' then
      state = 'skipped'
      withdraw(run, at)
      redis.call('SREM', key('live', address), id)
      redis.call('DEL', key('run', id))
      redis.call('ZREM', key('expiry'), id)
      redis.call('ZREM', key('deadlines'), id)
      if run.launch.f then recover(id, address, at) end
      note(address, state, 'overlap: a newer run took its place', {1, run.nominal, run.nominal}, at)
      if run.awaited then release(id, state, at) end
    end
    if state and (run.trigger ~= 'manual' or run.family) then
      passed[#passed + 1] = {run.nominal, string.match(id, '@(.*)$'), state, run.family or false, run.by or false}
    end
  end
  return passed
end
