-- @include key
-- @include publish
-- Tells the events stream, which keeps about the last ten thousand: for watchers, never for correctness. The first
-- event of a call cuts the stream. Who listens to channels hears of a start and of an end by names of their own.
-- TOUCHES   events STREAM
local events_cut = false
local function event(name, job, run, at, ...)
  local when = string.format('%.0f', at)
  if events_cut then
    redis.call('XADD', key('events'), '*', 'e', name, 'job', job, 'run', run or '', 'at', when, ...)
  else
    events_cut = true
    redis.call('XADD', key('events'), 'MAXLEN', '~', 10000, '*', 'e', name, 'job', job, 'run', run or '', 'at', when, ...)
  end
  local ends = {ok = 'completed', lost = 'failed'}
  local state = name == 'finished' and select(2, ...)
  publish(state and (ends[state] or state) or name == 'reserved' and 'started' or name, name, job, run, at, ...)
end
