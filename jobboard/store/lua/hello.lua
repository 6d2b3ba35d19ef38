#!lua
-- Registers a worker, or registers it again after it was cut off, and judges each run it says it holds: kept
-- where it is still its own, taken up again where it was lost and nobody has it yet, dropped otherwise. What
-- the store thinks it holds and it does not was handed out in a reply that got lost, and goes back. A call judges
-- all it is told of, and has a hundred go back: others = what the worker holds beside that, or false while calls that
-- tell of more are to come. The answer says whether more has to go back.
-- KEYS      meta
-- ARGUMENTS worker=string host=string pid=int queues=list slots=int lease_ms=int version=string inboxes=list own_slots=map order=string format=string holding=[{run, token}, ...] others=[run, ...]|false
-- TOUCHES   holding:<worker> SET, worker:<worker> HASH, workers ZSET
-- RETURNS   "OK" {now, [dropped run, ...], left}
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

local dropped, named, left = {}, {}, false

local function hand_back(id, run)
  if run and run.worker == worker then requeue(run, at) end
  redis.call('SREM', key('holding', worker), id)
end

for _, pair in ipairs(arguments.holding) do
  local id, token = unpack(pair)
  local run = read_run(id)
  local kept = run and run.token == token and run.worker == worker
  if not kept and not (run and adopt(run, worker, token, at)) then
    dropped[#dropped + 1] = id
    hand_back(id, run)
  end
  named[id] = true
end
for _, id in ipairs(arguments.others or {}) do named[id] = true end
local room = 100
for _, id in ipairs(arguments.others and redis.call('SMEMBERS', key('holding', worker)) or {}) do
  if not named[id] and room == 0 then
    left = true
    break
  elseif not named[id] then
    hand_back(id, read_run(id))
    room = room - 1
  end
end
return cmsgpack.pack({'OK', at, dropped, left})
