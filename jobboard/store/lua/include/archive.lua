-- @include key
-- Keeps the record of a run that ended: in the history, among the failures when it is one, and first among
-- the job's last twenty.
local function archive(record, failed)
  local packed = cmsgpack.pack(record)
  redis.call('XADD', key('history'), 'MAXLEN', '~', 500000, '*', 'r', packed)
  if failed then redis.call('XADD', key('failures'), 'MAXLEN', '~', 50000, '*', 'r', packed) end
  local last = key('last', record.job)
  if redis.call('LPUSH', last, packed) > 20 then redis.call('LTRIM', last, 0, 19) end
end
