-- @include key
-- Puts a run into the delayed set, and lets a scheduler look when it is now the first one there.
local function postpone(id, due)
  local first = redis.call('ZRANGE', key('delay'), 0, 0, 'WITHSCORES')
  redis.call('ZADD', key('delay'), due, id)
  if not first[2] or due < tonumber(first[2]) then
    redis.call('LPUSH', key('wake', 'scheduler'), 'delay')
    redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
  end
end
