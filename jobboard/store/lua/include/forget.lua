-- @include key
-- Counts bytes that were added to the history and the failures, and drops what is beyond their bounds: with an
-- instant failures older than a fortnight, then the oldest of the history, the oldest failures last of all. At most
-- sixteen records a stream, and two for each that was added; the bytes kept. A script that adds many says
-- `owed.later`, and drops for all of them together.
-- TOUCHES   config HASH, failures STREAM, history STREAM, meta HASH
local owed = {later = false, bytes = 0, records = 0, at = nil}
local function forget(added, at)
  owed.bytes, owed.records, owed.at = owed.bytes + added, owed.records + 1, at or owed.at
  if owed.later then return nil end
  local bounds = redis.call('HMGET', key('config'), 'history_bytes', 'failures_ms')
  local most = tonumber(bounds[1] or nil) or 268435456
  local total = redis.call('HINCRBY', key('meta'), 'history_bytes', owed.bytes)
  local function drop(stream, too_old)
    local freed, page = 0, math.max(2 * owed.records, total - most > 4096 and 16 or 2)
    for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', page)) do
      local packed = entry[2][2]
      if total - freed <= most and not (too_old and cmsgpack.unpack(packed).ended_at < too_old) then break end
      redis.call('XDEL', stream, entry[1])
      freed = freed + #packed
    end
    if freed > 0 then total = redis.call('HINCRBY', key('meta'), 'history_bytes', -freed) end
  end
  if total > most then drop(key('history')) end
  if owed.at or total > most then
    drop(key('failures'), owed.at and owed.at - (tonumber(bounds[2] or nil) or 1209600000))
  end
  owed.bytes, owed.records, owed.at = 0, 0, nil
  return total
end
