-- @include key
-- Leaves it to `tick` to go on with something for one job, from where it got to. Answers the number of the list that it
-- is on. item as in `fan_out`
-- TOUCHES   fanout LIST, fanout:<list> SET, meta HASH, wake:<who> LIST
local function put_off(job, item, cursor)
  local list = redis.call('HINCRBY', key('meta'), 'seq', 1)
  redis.call('SADD', key('fanout', list), job)
  redis.call('RPUSH', key('fanout'), cmsgpack.pack({list, item, false, cursor and {job, cursor} or false}))
  redis.call('LPUSH', key('wake', 'scheduler'), 'fanout')
  redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
  return list
end
