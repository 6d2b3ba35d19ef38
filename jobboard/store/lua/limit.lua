#!lua
-- Sets how many runs of a queue may run at once over all workers, how many may begin in a span of time, and for how
-- long a run may wait behind better ones; false lifts any of them. What runs already counts from now on.
-- KEYS      meta
-- ARGUMENTS queue=string limit=int rate=int span_ms=int aging_ms=int by=map
-- TOUCHES   active:<queue> SET, holding:<worker> SET, limits HASH, pace HASH, queues SET, throttled ZSET,
--           workers ZSET
-- RETURNS   "OK"
-- @include guard
-- @include arguments
-- @include read_run
-- @include wake
-- @include audit
local refused = guard()
if refused then return refused end
local queue = arguments.queue
local rule = {limit = arguments.limit or nil, rate = arguments.rate or nil, span_ms = arguments.span_ms or nil,
  aging = arguments.aging_ms or nil}
redis.call('DEL', key('active', queue))
redis.call('HDEL', key('pace'), queue)
redis.call('ZREM', key('throttled'), queue)
redis.call('SADD', key('queues'), queue)
if rule.limit or rule.rate or rule.aging then
  redis.call('HSET', key('limits'), queue, cmsgpack.pack(rule))
else
  redis.call('HDEL', key('limits'), queue)
end
for _, worker in ipairs(rule.limit and redis.call('ZRANGE', key('workers'), 0, 499) or {}) do
  for _, id in ipairs(redis.call('SRANDMEMBER', key('holding', worker), 500)) do
    local run = read_run(id)
    if run and run.queue == queue then redis.call('SADD', key('active', queue), id) end
  end
end
wake(queue)
audit('limit', 'queue:' .. queue, arguments.by, rule)
return cmsgpack.pack({'OK'})
