#!lua
-- Hands jobs that are due, or will be within ahead_ms, to one scheduler: out of the due set, with a lease beside, in
-- one step, so that no two schedulers compute the same job. Who asks lets go of what it has in hand: what it claimed
-- before and did not fire, or was in a reply that got lost, comes again.
-- KEYS      meta
-- ARGUMENTS scheduler=string limit=int lease_ms=int ahead_ms=int
-- TOUCHES   claim HASH, claims ZSET, cursor HASH, sched ZSET
-- RETURNS   "OK" {moment, [{address, due, cursor, definition}, ...], next}
-- @include guard
-- @include arguments
-- @include moment
-- @include definition
-- @include settle
-- @include reclaim
-- @include surrender
local refused = guard()
if refused then return refused end
local exact = moment()
local at = math.floor(exact)
surrender(arguments.scheduler, arguments.limit)
reclaim(at, arguments.limit)
local entries, until_at = {}, at + arguments.ahead_ms
for _, address in ipairs(redis.call('ZRANGEBYSCORE', key('sched'), '-inf', until_at, 'LIMIT', 0, arguments.limit)) do
  settle(address)
  local due = tonumber(redis.call('ZSCORE', key('sched'), address) or nil)
  if due and due <= until_at then
    redis.call('ZREM', key('sched'), address)
    local raw = definition(address)
    if raw then
      redis.call('ZADD', key('claims'), at + arguments.lease_ms, address)
      redis.call('HSET', key('claim'), address, cmsgpack.pack({s = arguments.scheduler, d = due}))
      local cursor = redis.call('HGET', key('cursor'), address)
      entries[#entries + 1] = {address, due, cursor and tonumber(cursor), raw}
    end
  end
end
local first = redis.call('ZRANGE', key('sched'), 0, 0, 'WITHSCORES')
local lapse = redis.call('ZRANGE', key('claims'), 0, 0, 'WITHSCORES')
local next_at = tonumber(first[2] or lapse[2]) or false
if first[2] and lapse[2] then next_at = math.min(tonumber(first[2]), tonumber(lapse[2])) end
return cmsgpack.pack({'OK', exact, entries, next_at})
