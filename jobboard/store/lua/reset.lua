#!lua
-- Has a job of which only so many scheduled runs are made begin to count them anew. One that had come to its end by
-- that is due again, from now on: what it would have run for meanwhile is not caught up.
-- KEYS      meta
-- ARGUMENTS address=string epoch=int due=int by=map
-- TOUCHES   cursor HASH, sched ZSET, used HASH
-- RETURNS   "OK" {used} | "STALE" | "GONE"
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include settle
-- @include remind
-- @include audit
local refused = guard()
if refused then return refused end
local address = arguments.address
settle(address)
local _, d = definition(address)
if not d then return cmsgpack.pack({'GONE'}) end
if d[1] ~= arguments.epoch then return cmsgpack.pack({'STALE'}) end
local used = tonumber(redis.call('HGET', key('used'), address) or 0)
if used == 0 then return cmsgpack.pack({'OK', 0}) end
redis.call('HDEL', key('used'), address)
if arguments.due and d[4].r and used >= d[4].r and not redis.call('ZSCORE', key('sched'), address) then
  local decided = tonumber(redis.call('HGET', key('cursor'), address) or 0)
  redis.call('HSET', key('cursor'), address, math.max(decided, now()))
  remind(key('sched'), address, arguments.due)
end
audit('reset', address, arguments.by, {used = used})
return cmsgpack.pack({'OK', used})
