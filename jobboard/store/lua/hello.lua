#!lua
-- Registers a worker, or registers it again after it was cut off, and judges each run it says it holds: kept
-- where it is still its own, taken up again where it was lost and nobody has it yet, dropped otherwise. What
-- the store thinks it holds and it does not was handed out in a reply that got lost, and goes back.
-- KEYS      meta
-- ARGUMENTS worker=string host=string pid=int queues=list slots=int lease_ms=int version=string inboxes=list own_slots=map order=string format=string holding=[{run, token}, ...]
-- TOUCHES   holding:<worker> SET, worker:<worker> HASH, workers ZSET
-- RETURNS   "OK" {now, [dropped run, ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include requeue
-- @include adopt
-- @include event
local refused = guard()
if refused then return refused end
local at = now()
local worker = arguments.worker
local known = redis.call('ZADD', key('workers'), at + arguments.lease_ms, worker) == 0
redis.call('HSET', key('worker', worker), 'host', arguments.host, 'pid', arguments.pid,
  'queues', cmsgpack.pack(arguments.queues), 'slots', arguments.slots, 'lease_ms', arguments.lease_ms,
  'version', arguments.version, 'format', arguments.format, 'state', 'up')
if #arguments.inboxes > 0 then redis.call('HSET', key('worker', worker), 'inboxes', cmsgpack.pack(arguments.inboxes)) end
if next(arguments.own_slots) then
  redis.call('HSET', key('worker', worker), 'own_slots', cmsgpack.pack(arguments.own_slots))
end
if arguments.order and arguments.order ~= 'priority' then
  redis.call('HSET', key('worker', worker), 'order', arguments.order)
end
redis.call('HSETNX', key('worker', worker), 'started_at', at)
if not known then event('worker', '', nil, at, 'worker', worker) end

local kept, dropped = {}, {}
for _, pair in ipairs(arguments.holding) do
  local run = read_run(pair[1])
  if run and run.token == pair[2] and run.worker == worker then
    kept[run.id] = true
  elseif run and adopt(run, worker, pair[2], at) then
    kept[run.id] = true
  else
    dropped[#dropped + 1] = pair[1]
  end
end
for _, id in ipairs(redis.call('SRANDMEMBER', key('holding', worker), 500)) do
  local run = not kept[id] and read_run(id)
  if run and run.worker == worker then requeue(run, at) end
  if not kept[id] then redis.call('SREM', key('holding', worker), id) end
end
return cmsgpack.pack({'OK', at, dropped})
