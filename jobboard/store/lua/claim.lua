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
-- @include definitions
-- @include settle
-- @include reclaim
-- @include surrender
local refused = guard()
if refused then return refused end
local exact = moment()
local at = math.floor(exact)
surrender(arguments.scheduler, arguments.limit)
reclaim(at, arguments.limit)
local until_at, entries = at + arguments.ahead_ms, {}
local page = redis.call('ZRANGEBYSCORE', key('sched'), '-inf', until_at, 'LIMIT', 0, arguments.limit)
for _, address in ipairs(page) do settle(address) end
if #page > 0 then
  local dues = redis.call('ZMSCORE', key('sched'), unpack(page))
  local cursors = redis.call('HMGET', key('cursor'), unpack(page))
  local raws = definitions(page)
  local taken, leases, claims = {}, {}, {}
  for i, address in ipairs(page) do
    local due, raw = tonumber(dues[i] or nil), raws[address]
    if due and due <= until_at then
      taken[#taken + 1] = address
      if raw then
        entries[#entries + 1] = {address, due, cursors[i] and tonumber(cursors[i]), raw}
        leases[2 * #entries - 1], leases[2 * #entries] = at + arguments.lease_ms, address
        claims[2 * #entries - 1] = address
        claims[2 * #entries] = cmsgpack.pack({s = arguments.scheduler, d = due})
      end
    end
  end
  if #taken > 0 then redis.call('ZREM', key('sched'), unpack(taken)) end
  if #entries > 0 then
    redis.call('ZADD', key('claims'), unpack(leases))
    redis.call('HSET', key('claim'), unpack(claims))
  end
end
local first = redis.call('ZRANGE', key('sched'), 0, 0, 'WITHSCORES')
local lapse = redis.call('ZRANGE', key('claims'), 0, 0, 'WITHSCORES')
local next_at = tonumber(first[2] or lapse[2]) or false
if first[2] and lapse[2] then next_at = math.min(tonumber(first[2]), tonumber(lapse[2])) end
return cmsgpack.pack({'OK', exact, entries, next_at})
