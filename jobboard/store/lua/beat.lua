#!lua flags=allow-oom
-- Renews a worker's lease, one for all its runs, and tells it again what it was told to cancel; of very many runs some
-- at each call, one after another.
-- KEYS      meta
-- ARGUMENTS worker=string lease_ms=int
-- TOUCHES   holding:<worker> SET, run:<run> HASH, worker:<worker> HASH, workers ZSET
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
local from = redis.call('HGET', key('worker', arguments.worker), 'told') or '0'
local page = redis.call('SSCAN', key('holding', arguments.worker), from, 'COUNT', 500)
if page[1] ~= from then redis.call('HSET', key('worker', arguments.worker), 'told', page[1]) end
for _, id in ipairs(page[2]) do
  if redis.call('HGET', key('run', id), 'cancel') then cancel[#cancel + 1] = id end
end
return cmsgpack.pack({'OK', at, cancel})
