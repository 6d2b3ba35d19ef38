-- @include key
-- Has a scheduler look at something at an instant: puts it into a set that `tick` goes through, and wakes one
-- when nothing in that set comes earlier.
-- TOUCHES   wake:<who> LIST
local function remind(set, member, at)
  local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')
  redis.call('ZADD', set, at, member)
  if not first[2] or at < tonumber(first[2]) then
    redis.call('LPUSH', key('wake', 'scheduler'), 'look')
    redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
  end
end
