-- @include key
-- Forgets pushes whose time is up, and beyond half a million those whose time is up first; so many a call.
-- TOUCHES   pushed ZSET
local function forget_pushed(at, most)
  local over = redis.call('ZRANGEBYSCORE', key('pushed'), '-inf', at, 'LIMIT', 0, most)
  if #over > 0 then redis.call('ZREM', key('pushed'), unpack(over)) end
  local beyond = redis.call('ZCARD', key('pushed')) - 500000
  if beyond > 0 then redis.call('ZREMRANGEBYRANK', key('pushed'), 0, math.min(beyond, most) - 1) end
end
