-- @include key
-- Remembers how a nominal of a job was decided, where others ask for that: over twice the longest time that one
-- of them looks back, at least the last hundred and at most ten thousand.
-- TOUCHES   asks:<job> ZSET, outcomes:<job> ZSET, told HASH
local function outcome(job, nominal, state)
  local furthest = redis.call('ZREVRANGE', key('asks', job), 0, 0, 'WITHSCORES')
  if not furthest[2] then return end
  local kept = key('outcomes', job)
  redis.call('ZREMRANGEBYSCORE', kept, nominal, nominal)
  redis.call('ZADD', kept, nominal, string.format('%.0f:%s', nominal, state))
  redis.call('HINCRBY', key('told'), job, 1)
  local recent = redis.call('ZCOUNT', kept, nominal - 2 * tonumber(furthest[2]), '+inf')
  redis.call('ZREMRANGEBYRANK', kept, 0, -1 - math.min(math.max(recent, 100), 10000))
end
