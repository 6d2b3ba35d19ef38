-- @include key
-- @include meta
-- @include publish
-- Tells the events stream, which keeps about the last ten thousand: for watchers, never for correctness. The first
-- event of a call cuts the stream. The others leave out what their reader knows: the instant is in the entry's id, but
-- where a test moved the clock, and a run's id begins with its job, but where that was renamed. Who listens to channels
-- hears of a start and of an end by names of their own.
-- TOUCHES   events STREAM
local events_cut = false
local ENDS = {ok = 'completed', lost = 'failed'}
local function event(name, job, run, at, ...)
  if events_cut and run and meta().ahead_ms == 0 and string.sub(run, 1, #job + 1) == job .. '@' then
    redis.call('XADD', key('events'), '*', 'e', name, 'run', run, ...)
  else
    events_cut = true
    redis.call('XADD', key('events'), 'MAXLEN', '~', 10000, '*', 'e', name, 'job', job, 'run', run or '',
      'at', string.format('%.0f', at), ...)
  end
  local state = name == 'finished' and select(2, ...)
  publish(state and (ENDS[state] or state) or name == 'reserved' and 'started' or name, name, job, run, at, ...)
end
