#!lua flags=allow-oom
-- Applies a page of what committed syncs left to do to the due set. Anybody may call it, any number of
-- times: an entry is gone once applied.
-- KEYS      meta
-- ARGUMENTS limit=int
-- TOUCHES   meta HASH, work LIST, work:<stage> HASH, sched ZSET, claims ZSET, claim HASH, cursor HASH, used HASH,
--           after:<parent> SET, tombstones HASH, edits HASH, wake:scheduler LIST
-- RETURNS   "OK" {applied, left}
-- @include guard
-- @include arguments
-- @include apply
local refused = guard()
if refused then return refused end
local stage = redis.call('LINDEX', key('work'), 0)
if not stage then return cmsgpack.pack({'OK', 0, false}) end
local work = key('work', stage)
-- The cursor is kept between calls: starting anew after deletions would walk ever more empty places.
local cursor = redis.call('HGET', key('meta'), 'drain') or '0'
local page = redis.call('HSCAN', work, cursor, 'COUNT', arguments.limit)
local applied = 0
for i = 1, #page[2], 2 do
  apply(page[2][i], cmsgpack.unpack(page[2][i + 1]))
  redis.call('HDEL', work, page[2][i])
  applied = applied + 1
end
if redis.call('EXISTS', work) == 0 then
  redis.call('LPOP', key('work'))
  redis.call('HDEL', key('meta'), 'drain')
  redis.call('LPUSH', key('wake', 'scheduler'), 'drain')
  redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
else
  redis.call('HSET', key('meta'), 'drain', page[1])
end
return cmsgpack.pack({'OK', applied, redis.call('LLEN', key('work')) > 0})
