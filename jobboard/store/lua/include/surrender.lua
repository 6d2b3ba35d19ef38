-- @include key
-- Lets the claims of one scheduler lapse, so that the next `reclaim` makes their jobs due again.
-- TOUCHES   claim HASH, claims ZSET
local function surrender(scheduler, limit)
  for _, address in ipairs(redis.call('ZRANGE', key('claims'), 0, limit - 1)) do
    local packed = redis.call('HGET', key('claim'), address)
    if packed and cmsgpack.unpack(packed).s == scheduler then redis.call('ZADD', key('claims'), 0, address) end
  end
end
