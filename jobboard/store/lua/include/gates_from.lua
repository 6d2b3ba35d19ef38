-- @include key
-- A page of what runs of a job wait for at their gates, as {entry, rank, ...}: of those asked for between two
-- nominals, from a cursor on, which may stand where nothing is any more.
-- TOUCHES   gated:<job> ZSET
local function gates_from(job, low, high, from, most)
  local gated, offset = key('gated', job), 0
  if from then
    -- There for as long as it takes to see where it stands.
    redis.call('ZADD', gated, from[1], from[2])
    offset = math.max(0, redis.call('ZRANK', gated, from[2]) - redis.call('ZCOUNT', gated, '-inf', '(' .. low))
    redis.call('ZREM', gated, from[2])
  end
  return redis.call('ZRANGEBYSCORE', gated, low, high, 'WITHSCORES', 'LIMIT', offset, most)
end
