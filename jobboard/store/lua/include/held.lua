-- @include key
-- The hold that covers a nominal of a job, or nil. A hold is judged by the nominal, not by the time of
-- looking: what fell inside a hold stays held when it is looked at after the hold has ended. Where nobody holds
-- anything it costs one look a call.
-- TOUCHES   holds HASH
local holds_known = nil
local function held(address, tags, nominal)
  if holds_known == nil then holds_known = redis.call('EXISTS', key('holds')) == 1 end
  if not holds_known then return nil end
  local scopes = {'all', 'board:' .. string.match(address, '^[^/]+'), 'job:' .. address}
  for _, tag in ipairs(tags or {}) do scopes[#scopes + 1] = 'tag:' .. tag end
  for _, packed in ipairs(redis.call('HMGET', key('holds'), unpack(scopes))) do
    if packed then
      for _, hold in ipairs(cmsgpack.unpack(packed)) do
        if hold.at <= nominal and (not hold['until'] or nominal < hold['until']) then return hold end
      end
    end
  end
  return nil
end
