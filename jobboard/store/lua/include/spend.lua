-- @include key
-- Counts runs that a limited queue has let go: against its limit, and against its rate.
-- TOUCHES   active:<queue> SET, pace HASH
local function spend(queue, rule, ids, at)
  if rule.limit then redis.call('SADD', key('active', queue), unpack(ids)) end
  if rule.rate then
    local used_to = math.max(at, tonumber(redis.call('HGET', key('pace'), queue) or 0))
    redis.call('HSET', key('pace'), queue, used_to + #ids * rule.span_ms / rule.rate)
  end
end
