-- @include key
-- Has a queue that is closed for now, and that has runs, looked at again at the instant it opens: by `tick`,
-- so that no worker has to poll. A queue at its limit opens when one of its runs ends, and needs no instant.
-- TOUCHES   holds HASH, pace HASH, throttled ZSET, wake:<who> LIST
local function throttle(queue, rule, at)
  local opens = nil
  local used_to = rule and rule.rate and tonumber(redis.call('HGET', key('pace'), queue) or 0)
  if used_to then opens = math.ceil(used_to - rule.span_ms + rule.span_ms / rule.rate) end
  for _, scope in ipairs({queue, string.match(queue, '^(.*):')}) do
    local holds = redis.call('HGET', key('holds'), 'queue:' .. scope)
    for _, hold in ipairs(holds and cmsgpack.unpack(holds) or {}) do
      if hold['until'] and hold['until'] > at then opens = math.max(opens or 0, hold['until']) end
    end
  end
  if not opens or opens <= at then return end
  local first = redis.call('ZRANGE', key('throttled'), 0, 0, 'WITHSCORES')
  redis.call('ZADD', key('throttled'), opens, queue)
  if not first[2] or opens < tonumber(first[2]) then
    redis.call('LPUSH', key('wake', 'scheduler'), 'throttled')
    redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
  end
end
