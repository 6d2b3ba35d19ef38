-- @include key
-- @include definitions
-- Takes jobs out of the hand of a scheduler, all at once. Answers what is known of each, by address: {due = when
-- it was due, nil where it was not in that hand, decided = the greatest nominal that was decided, d = its definition}.
-- TOUCHES   claim HASH, claims ZSET, cursor HASH
local function take_back(addresses, scheduler)
  local known, held = {}, {}
  if #addresses == 0 then return known end
  local claims = redis.call('HMGET', key('claim'), unpack(addresses))
  local cursors = redis.call('HMGET', key('cursor'), unpack(addresses))
  local raws = definitions(addresses)
  for i, address in ipairs(addresses) do
    local claim, raw = claims[i] and cmsgpack.unpack(claims[i]), raws[address]
    local own = claim and claim.s == scheduler
    known[address] = {due = own and claim.d or nil, decided = tonumber(cursors[i] or nil),
      d = raw and cmsgpack.unpack(raw)}
    if own then held[#held + 1] = address end
  end
  if #held > 0 then
    redis.call('ZREM', key('claims'), unpack(held))
    redis.call('HDEL', key('claim'), unpack(held))
  end
  return known
end
