-- @include key
-- @include meta
-- @include publish
-- @include write_events
-- Tells the events stream, which keeps about ten thousand entries: for watchers, never for correctness. The first
-- event of a call cuts the stream. A script that tells much says `events.later`, and has `write_events` write what is
-- left at its end. The others than the first leave out what their reader knows: the instant is in the entry's id, but
-- where a test moved the clock, and a run's id begins with its job, but where that was renamed. Who listens to channels
-- hears of a start and of an end by names of their own.
-- TOUCHES   events STREAM
local events = {later = false, page = {}, ms = nil, number = nil}
local ENDS = {ok = 'completed', lost = 'failed'}
local function event(name, job, run, at, ...)
  if not events.ms then
    local id = redis.call('XADD', key('events'), 'MAXLEN', '~', 10000, '*', 'e', name, 'job', job, 'run', run or '',
      'at', string.format('%.0f', at), ...)
    events.ms, events.number = string.match(id, '^(%d+)-(%d+)$')
  else
    local told = {'e', name, 'run', run or '', ...}
    if meta().ahead_ms ~= 0 or string.sub(told[4], 1, #job + 1) ~= job .. '@' then
      local more = #told
      told[more + 1], told[more + 2], told[more + 3], told[more + 4] = 'job', job, 'at', string.format('%.0f', at)
    end
    table.insert(events.page, told)
    if not events.later or #events.page == 16 then write_events(events) end
  end
  local state = name == 'finished' and select(2, ...)
  publish(state and (ENDS[state] or state) or name == 'reserved' and 'started' or name, name, job, run, at, ...)
end
