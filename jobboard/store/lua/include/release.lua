-- @include key
-- @include hear
-- Tells the runs that wait for one that has ended. Where they are many, `tick` does so, a page a call.
-- TOUCHES   awaited:<run> SET, fanout LIST, fanout:<list> SET, meta HASH, wake:<who> LIST
local function release(id, state, at)
  local waiting = key('awaited', id)
  if redis.call('SCARD', waiting) > 32 then
    local list = redis.call('HINCRBY', key('meta'), 'seq', 1)
    redis.call('RENAME', waiting, key('fanout', list))
    redis.call('RPUSH', key('fanout'), cmsgpack.pack({list, {true, id, state}}))
    redis.call('LPUSH', key('wake', 'scheduler'), 'fanout')
    redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
    return
  end
  for _, child in ipairs(redis.call('SMEMBERS', waiting)) do hear(child, id, state, at) end
  redis.call('DEL', waiting)
end
