-- @include key
-- Whether somebody had the next runs of a job passed over: the reason to record, and one fewer is left to pass
-- over; else nil. Asked last, of a run that would be made. Where nobody asked for anything it costs one look a call.
-- TOUCHES   skips HASH
local skips_known = nil
local function skip(address)
  if skips_known == nil then skips_known = redis.call('EXISTS', key('skips')) == 1 end
  local packed = skips_known and redis.call('HGET', key('skips'), address)
  if not packed then return nil end
  local asked = cmsgpack.unpack(packed)
  asked.left = asked.left - 1
  if asked.left > 0 then
    redis.call('HSET', key('skips'), address, cmsgpack.pack(asked))
  else
    redis.call('HDEL', key('skips'), address)
  end
  return 'skip-next by ' .. asked.by .. (asked.reason ~= '' and ': ' .. asked.reason or '')
end
