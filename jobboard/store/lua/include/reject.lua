-- @include key
-- @include event
-- Sets an entry of an inbox aside, whole, with what is wrong with it: among the last thousand. Of one that is
-- too large ever to be a run the beginning is kept.
-- TOUCHES   rejected STREAM
local function reject(queue, entry, reason, at)
  local LARGEST = 4194304
  redis.call('XADD', key('rejected'), 'MAXLEN', 1000, '*', 'queue', queue,
    'entry', #entry > LARGEST and string.sub(entry, 1, 4096) or entry, 'reason', reason,
    'at', string.format('%.0f', at), 'bytes', #entry)
  event('rejected', '', nil, at, 'queue', queue, 'reason', reason)
end
