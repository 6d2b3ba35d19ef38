-- @include key
-- @include forget
-- @include index_tags
-- Keeps the record of a run that ended: in the history, among the failures when it is one, first among the job's
-- last twenty, and where its tags find it.
-- TOUCHES   failures STREAM, history STREAM, last:<job> LIST
local function archive(record, failed, at)
  local packed = cmsgpack.pack(record)
  local entry = redis.call('XADD', key('history'), '*', 'r', packed)
  if failed then entry = entry .. ' ' .. redis.call('XADD', key('failures'), '*', 'r', packed) end
  if record.tags then index_tags(record.tags, entry, at) end
  forget(failed and 2 * #packed or #packed, failed and at)
  local last = key('last', record.job)
  if redis.call('LPUSH', last, packed) > 20 then redis.call('LTRIM', last, 0, 19) end
end
