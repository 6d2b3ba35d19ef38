-- @include key
-- @include wake
-- Puts a run at its place in its queue: by priority, then by age, since the score is made once.
-- TOUCHES   queue:<queue> ZSET, queues SET, run:<run> HASH
local function enqueue(id, queue, score)
  redis.call('ZADD', key('queue', queue), score, id)
  redis.call('SADD', key('queues'), queue)
  redis.call('HSET', key('run', id), 'state', 'queued')
  wake(queue)
end
