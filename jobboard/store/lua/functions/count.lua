#!lua flags=no-writes
-- Counts what there is: scheduled jobs, workers, and runs by where they are; of at most 500 queues and workers.
-- TAKES
-- GIVES  scheduled, workers, running, delayed, blocked, queued: by queue
-- @include key
local queued, running = {}, 0
for _, queue in ipairs(redis.call('SRANDMEMBER', key('queues'), 500)) do
  queued[queue] = redis.call('ZCARD', key('queue', queue))
end
for _, worker in ipairs(redis.call('ZRANGE', key('workers'), 0, 499)) do
  running = running + redis.call('SCARD', key('holding', worker))
end
return {scheduled = redis.call('ZCARD', key('sched')) + redis.call('ZCARD', key('claims')),
  workers = redis.call('ZCARD', key('workers')), running = running, queued = queued,
  delayed = redis.call('ZCARD', key('delay')), blocked = redis.call('ZCARD', key('blocked'))}
