-- @include key
-- Counts bytes that were added to the history and the failures, and drops what is beyond their bounds: with an
-- instant failures older than a fortnight, then the oldest of the history, the oldest failures last of all. A
-- failure is in both, so that it outlives what went well. At most sixteen records a stream; the bytes kept.
-- TOUCHES   config HASH, failures STREAM, history STREAM, meta HASH
local function forget(added, at)
  local bounds = redis.call('HMGET', key('config'), 'history_bytes', 'failures_ms')
  local most = tonumber(bounds[1] or nil) or 268435456
  local total = redis.call('HINCRBY', key('meta'), 'history_bytes', added)
  local function drop(stream, too_old)
    local freed = 0
    for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', total - most > 4096 and 16 or 2)) do
      local packed = entry[2][2]
      if total - freed <= most and not (too_old and cmsgpack.unpack(packed).ended_at < too_old) then break end
      redis.call('XDEL', stream, entry[1])
      freed = freed + #packed
    end
    if freed > 0 then total = redis.call('HINCRBY', key('meta'), 'history_bytes', -freed) end
  end
  if total > most then drop(key('history')) end
  if at or total > most then
    drop(key('failures'), at and at - (tonumber(bounds[2] or nil) or 1209600000))
  end
  return total
end
