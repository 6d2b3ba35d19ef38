#!lua
-- Keeps live edits waiting while a sync that others overtook again and again tries once more: from now on for
-- three times what it was told a try takes, which `commit` ends earlier. A span of nothing ends it too. It is
-- a lease by the store's clock, so that a sync that dies keeps nobody waiting.
-- KEYS      meta
-- ARGUMENTS sync=string since=int|false
-- TOUCHES   quiet ZSET
-- RETURNS   "OK" {until}
-- @include guard
-- @include arguments
-- @include now
local refused = guard()
if refused then return refused end
local LEAST_MS, MOST_MS = 250, 30000
local at = now()
redis.call('ZREMRANGEBYSCORE', key('quiet'), '-inf', at)
if not arguments.since then
  redis.call('ZREM', key('quiet'), arguments.sync)
  return cmsgpack.pack({'OK', at})
end
local ends_at = at + math.min(MOST_MS, math.max(LEAST_MS, 3 * (at - arguments.since)))
redis.call('ZADD', key('quiet'), ends_at, arguments.sync)
return cmsgpack.pack({'OK', ends_at})
