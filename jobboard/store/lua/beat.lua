#!lua flags=allow-oom
-- Renews a worker's lease, one for all its runs, and tells it again what it was told to cancel.
-- KEYS      meta
-- ARGUMENTS worker=string lease_ms=int
-- TOUCHES   holding:<worker> SET, run:<run> HASH, workers ZSET
-- RETURNS   "OK" {now, [run to cancel, ...]} | "UNKNOWN"
-- @include guard
-- @include arguments
-- @include now
local refused = guard()
if refused then return refused end
local at = now()
if not redis.call('ZSCORE', key('workers'), arguments.worker) then return cmsgpack.pack({'UNKNOWN'}) end
redis.call('ZADD', key('workers'), at + arguments.lease_ms, arguments.worker)
local cancel = {}
for _, id in ipairs(redis.call('SRANDMEMBER', key('holding', arguments.worker), 500)) do
  if redis.call('HGET', key('run', id), 'cancel') then cancel[#cancel + 1] = id end
end
return cmsgpack.pack({'OK', at, cancel})
