#!lua flags=allow-oom
-- Ends the holds of one scope, and of that scope only. They stay on record as ended, so that a nominal that
-- fell inside them is still held when a scheduler comes to it late.
-- KEYS      meta
-- ARGUMENTS scope=string by=map
-- TOUCHES   delay ZSET, halted SET, holds HASH, queues SET
-- RETURNS   "OK" {ended} | "NOTHING"
-- @include guard
-- @include arguments
-- @include now
-- @include audit
-- @include wake
local refused = guard()
if refused then return refused end
local at = now()
local packed = redis.call('HGET', key('holds'), arguments.scope)
if not packed then return cmsgpack.pack({'NOTHING'}) end
local holds, ended = cmsgpack.unpack(packed), 0
for _, hold in ipairs(holds) do
  if not hold['until'] or hold['until'] > at then
    hold['until'] = at
    ended = ended + 1
  end
end
if ended == 0 then return cmsgpack.pack({'NOTHING'}) end
redis.call('HSET', key('holds'), arguments.scope, cmsgpack.pack(holds))
-- Runs it kept from starting are looked at again at once, those beyond a bound within a minute.
local halted = redis.call('SPOP', key('halted'), 500)
for _, id in ipairs(halted) do
  if redis.call('ZSCORE', key('delay'), id) then redis.call('ZADD', key('delay'), at, id) end
end
if #halted > 0 then wake('scheduler') end
local queue = string.match(arguments.scope, '^queue:(.*)$')
if queue then wake(queue) end
for _, beside in ipairs(queue and redis.call('SMEMBERS', key('queues')) or {}) do
  if string.match(beside, '^(.*):') == queue then wake(beside) end
end
audit('resume', arguments.scope, arguments.by)
return cmsgpack.pack({'OK', ended})
