-- @include key
-- Remembers by its tags where the record of a run is: for each tag the last two hundred, and the ten thousand tags that
-- runs ended with last. Up to when a tag was last used whose list had to go is remembered too.
-- TOUCHES   bytag:<tag> LIST, meta HASH, tagsused ZSET
local function index_tags(tags, entry, at)
  for _, tag in ipairs(tags) do
    if redis.call('LPUSH', key('bytag', tag), entry) > 200 then redis.call('LTRIM', key('bytag', tag), 0, 199) end
    redis.call('ZADD', key('tagsused'), at, tag)
  end
  for _ = 10001, redis.call('ZCARD', key('tagsused')) do
    local oldest = redis.call('ZPOPMIN', key('tagsused'))
    redis.call('UNLINK', key('bytag', oldest[1]))
    redis.call('HSET', key('meta'), 'tags_since', oldest[2])
  end
end
