-- @include key
-- Puts entries whose scheduler did not come back in time into the due set again, at their true due.
-- TOUCHES   claim HASH, claims ZSET, sched ZSET
local function reclaim(at, limit)
  for _, address in ipairs(redis.call('ZRANGEBYSCORE', key('claims'), '-inf', at, 'LIMIT', 0, limit)) do
    local packed = redis.call('HGET', key('claim'), address)
    if packed then redis.call('ZADD', key('sched'), 'NX', cmsgpack.unpack(packed).d, address) end
    redis.call('ZREM', key('claims'), address)
    redis.call('HDEL', key('claim'), address)
  end
end
