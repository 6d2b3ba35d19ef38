#!lua
-- Hands a worker its next runs, best priority first and then oldest first over all its queues, each with a
-- fencing token and with all its locks or not at all: one that misses a lock waits at that lock. The same
-- request again, after a lost reply, gets the same answer.
-- KEYS      meta
-- ARGUMENTS worker=string queues=list limit=int request=string
-- TOUCHES   meta HASH, run:<run> HASH, queue:<queue> ZSET, queues SET, wake:<who> LIST, workers ZSET,
--           worker:<worker> HASH, holding:<worker> SET, lock:<lock> SET, lockwait:<lock> ZSET,
--           lockrescan SET, events STREAM
-- RETURNS   "RESERVED" {now, [{run, address, nominal, attempt, token, spec, trigger, lost, defers, queued_at,
--           due_at, revision}, ...]} | "UNKNOWN"
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include missing_lock
-- @include park
-- @include rescan
-- @include event
-- @include wake
local refused = guard()
if refused then return refused end
local at = now()
local worker = arguments.worker
if not redis.call('ZSCORE', key('workers'), worker) then return cmsgpack.pack({'UNKNOWN'}) end

local function entry(run)
  return {run.id, run.job, run.nominal, run.attempt, run.token, redis.call('HGET', key('run', run.id), 'spec'),
    run.trigger, run.lost, run.defers, run.queued_at, run.due_at, run.revision}
end

local entries = {}
local packed = redis.call('HGET', key('worker', worker), 'reserved')
local before = packed and cmsgpack.unpack(packed)
if before and before[1] == arguments.request then
  for _, id in ipairs(before[2]) do
    local run = read_run(id)
    if run and run.worker == worker then entries[#entries + 1] = entry(run) end
  end
  return cmsgpack.pack({'RESERVED', at, entries})
end

local function take()
  local best, best_queue, best_score = nil, nil, nil
  for _, queue in ipairs(arguments.queues) do
    local head = redis.call('ZRANGE', key('queue', queue), 0, 0, 'WITHSCORES')
    local score = tonumber(head[2])
    if score and (not best_score or score < best_score) then best, best_queue, best_score = head[1], queue, score end
  end
  if best then redis.call('ZREM', key('queue', best_queue), best) end
  return best
end

local examined, taken = 0, {}
while #entries < arguments.limit and examined < arguments.limit + 64 do
  local id = take()
  if not id then break end
  examined = examined + 1
  local run = read_run(id)
  local missing = run and missing_lock(run.locks)
  if missing then
    park(run, missing, at)
  elseif run then
    for i = 1, #run.locks, 2 do redis.call('SADD', key('lock', run.locks[i]), id) end
    run.token = redis.call('HINCRBY', key('meta'), 'token', 1)
    redis.call('HSET', key('run', id), 'state', 'running', 'worker', worker, 'token', run.token, 'reserved_at', at)
    redis.call('HDEL', key('run', id), 'lost_token')
    redis.call('SADD', key('holding', worker), id)
    taken[#taken + 1] = id
    entries[#entries + 1] = entry(run)
    event('reserved', run.job, id, at, 'worker', worker, 'attempt', run.attempt)
  end
end
redis.call('HSET', key('worker', worker), 'reserved', cmsgpack.pack({arguments.request, taken}))
rescan(at)
for _, queue in ipairs(arguments.queues) do
  if redis.call('EXISTS', key('queue', queue)) == 1 and redis.call('EXISTS', key('wake', queue)) == 0 then wake(queue) end
end
return cmsgpack.pack({'RESERVED', at, entries})
