-- @include key
-- @include wake
-- Puts a run at its place in its queue: by priority, then by age, since the score is made once. Of a fresh
-- one the state is written with all else.
-- TOUCHES   queue:<queue> ZSET, queues SET, run:<run> HASH
local queues_listed = {}
local function enqueue(id, queue, score, fresh)
  redis.call('ZADD', key('queue', queue), score, id)
  if not queues_listed[queue] then
    redis.call('SADD', key('queues'), queue)
    queues_listed[queue] = true
  end
  if not fresh then redis.call('HSET', key('run', id), 'state', 'queued') end
  wake(queue)
end
