-- @include key
-- @include with_marks
-- The launch record of a run that was over and lives again, with what it was marked with; from now on it bears that
-- itself. record is its newest, where that is known.
-- TOUCHES   marked HASH, tagged ZSET, tracked ZSET
local function revive(id, launch, record)
  local kept = redis.call('HGET', key('marked'), id)
  record = kept and cmsgpack.unpack(kept) or record
  if not record then return launch end
  local tracked = redis.call('ZSCORE', key('tracked'), id)
  redis.call('HDEL', key('marked'), id)
  redis.call('ZREM', key('tagged'), id)
  return with_marks(launch, {g = record.tags, tagged = record.tagged, tracked = tracked and 1 or nil})
end
