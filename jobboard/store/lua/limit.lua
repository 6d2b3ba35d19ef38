#!lua
-- Sets how many runs of a queue may run at once over all workers, how many may begin in a span of time, and for how
-- long a run may wait behind better ones; false lifts any of them. What runs already counts from now on: where that is
-- much it is counted page by page, and until it is nothing more of the queue is let go.
-- KEYS      meta
-- ARGUMENTS queue=string limit=int rate=int span_ms=int aging_ms=int by=map
-- TOUCHES   active:<queue> SET, limits HASH, pace HASH, queues SET, throttled ZSET
-- RETURNS   "OK" {counted}
-- @include guard
-- @include arguments
-- @include count_active
-- @include wake
-- @include audit
local refused = guard()
if refused then return refused end
local queue = arguments.queue
local rule = {limit = arguments.limit or nil, rate = arguments.rate or nil, span_ms = arguments.span_ms or nil,
  aging = arguments.aging_ms or nil}
audit('limit', 'queue:' .. queue, arguments.by, rule)
local packed = redis.call('HGET', key('limits'), queue)
local before = packed and cmsgpack.unpack(packed) or {}
if rule.limit and before.limit then
  rule.counting = before.counting
else
  redis.call('UNLINK', key('active', queue))
  rule.counting = rule.limit and {'0', {}, '0'} or nil
end
redis.call('HDEL', key('pace'), queue)
redis.call('ZREM', key('throttled'), queue)
redis.call('SADD', key('queues'), queue)
if rule.limit or rule.rate or rule.aging then
  redis.call('HSET', key('limits'), queue, cmsgpack.pack(rule))
else
  redis.call('HDEL', key('limits'), queue)
end
local counted = not rule.counting or count_active(queue, rule)
wake(queue)
return cmsgpack.pack({'OK', counted})
