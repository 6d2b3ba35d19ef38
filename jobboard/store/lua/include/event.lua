-- @include key
-- Tells the events stream, which keeps about the last ten thousand: for watchers, never for correctness.
-- TOUCHES   events STREAM
local event_stream = key('events')
local function event(name, job, run, at, ...)
  redis.call('XADD', event_stream, 'MAXLEN', '~', 10000, '*', 'e', name, 'job', job, 'run', run or '',
    'at', string.format('%.0f', at), ...)
end
