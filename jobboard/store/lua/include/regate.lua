-- @include key
-- What runs of a job wait for at their gates is found under the job's new address. Where runs of an earlier job of that
-- address wait, too, the fewer join the more.
-- TOUCHES   gated:<job> ZSET, renamed HASH
local function regate(from, to)
  local names = redis.call('HGET', key('renamed'), from)
  if names then
    redis.call('HSET', key('renamed'), to, names)
    redis.call('HDEL', key('renamed'), from)
  end
  if redis.call('EXISTS', key('gated', from)) == 0 then return end
  local fewer, more = key('gated', from), key('gated', to)
  if redis.call('ZCARD', fewer) > redis.call('ZCARD', more) then fewer, more = more, fewer end
  local page = redis.call('ZRANGE', fewer, 0, -1, 'WITHSCORES')
  for i = 1, #page, 2 do redis.call('ZADD', more, page[i + 1], page[i]) end
  redis.call('DEL', fewer)
  redis.call('RENAME', more, key('gated', to))
end
