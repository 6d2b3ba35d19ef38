#!lua flags=allow-oom
-- What time alone brings about: delayed runs whose instant has come, workers whose lease has ended, claims
-- nobody came back with, and what hand-overs and fan-outs left at their bounds. A bounded bite a call.
-- Only time in which somebody looked counts against a worker: after two seconds without a tick nobody is
-- expired for one of its leases.
-- KEYS      meta
-- ARGUMENTS scheduler=string zonedata=string
-- TOUCHES   aging ZSET, barriers ZSET, claims ZSET, deadlines ZSET, delay ZSET, expected ZSET, expiry ZSET,
--           gates ZSET, halted SET, lockrescan SET, meta HASH, overrides ZSET, run:<run> HASH, schedulers ZSET,
--           throttled ZSET, work LIST, worker:<worker> HASH, workers ZSET, zonedata HASH
-- RETURNS   "OK" {moment, promoted, reaped, next, unsettled, [job whose override has ended, ...]}
-- @include guard
-- @include arguments
-- @include moment
-- @include read_run
-- @include conclude
-- @include enqueue
-- @include event
-- @include lift
-- @include handover
-- @include rescan
-- @include reclaim
-- @include index_old
-- @include fan_out
-- @include reap_worker
-- @include wake
-- @include overdue
-- @include watch_over
-- @include drop_output
-- @include forget_pushed
local refused = guard()
if refused then return refused end
local exact = moment()
local at = math.floor(exact)
-- A run that is ended takes up to a tenth of a millisecond, so a call does few of each kind; of what is quick, many.
local PAGE, QUICK = 32, 200
local pressing = false

-- What of a set has come due, a page; whoever finds more than that comes again at once.
local function come(set)
  local page = redis.call('ZRANGEBYSCORE', set, '-inf', at, 'LIMIT', 0, PAGE)
  pressing = pressing or #page == PAGE
  return page
end

local sight = redis.call('HMGET', key('meta'), 'sight_at', 'grace_at')
local grace_at = tonumber(sight[2] or nil)
if not sight[1] or math.abs(at - tonumber(sight[1])) > 2000 then grace_at = at end
redis.call('HSET', key('meta'), 'sight_at', at, 'grace_at', grace_at)
if redis.call('ZADD', key('schedulers'), at, arguments.scheduler) == 1 then
  redis.call('HSET', key('zonedata'), arguments.scheduler, arguments.zonedata)
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', key('schedulers'), '-inf', at - 60000, 'LIMIT', 0, 10)) do
  redis.call('ZREM', key('schedulers'), gone)
  redis.call('HDEL', key('zonedata'), gone)
end

for _, id in ipairs(come(key('expiry'))) do
  redis.call('ZREM', key('expiry'), id)
  local run = read_run(id)
  if run and run.state ~= 'running' and run.state ~= 'stopping' then
    local why = run.launch.w and run.trigger ~= 'manual' and 'not started in time' or 'expired'
    conclude(run, 'skipped', at, {reason = why, quiet = true})
  end
end
for _, id in ipairs(come(key('gates'))) do overdue(id, at) end
for _, id in ipairs(come(key('aging'))) do drop_output(id) end
forget_pushed(at, QUICK)
if watch_over(at, PAGE) == PAGE then pressing = true end
local promoted = come(key('delay'))
if #promoted > 0 then redis.call('SREM', key('halted'), unpack(promoted)) end
for _, id in ipairs(promoted) do
  redis.call('ZREM', key('delay'), id)
  local run = read_run(id)
  if run and run.state == 'delayed' and run.doomed then
    conclude(run, run.fate or 'skipped', at, {reason = run.doomed, quiet = run.fate ~= 'failed'})
  elseif run and run.state == 'delayed' then
    enqueue(id, run.queue, run.score)
    event('queued', run.job, id, at, 'trigger', run.trigger)
  end
end
for _, queue in ipairs(come(key('throttled'))) do
  redis.call('ZREM', key('throttled'), queue)
  wake(queue)
end
for _, id in ipairs(come(key('barriers'))) do
  local run = read_run(id)
  if not run then
    redis.call('ZREM', key('barriers'), id)
  elseif lift(run) then
    -- Its turn came, and nobody took it: others go on, and it has the barrier back if it misses a lock once more.
    redis.call('HSET', key('run', id), 'parks', 7)
    for i = 1, #run.locks, 2 do handover(run.locks[i], at, false) end
  end
end
reclaim(at, QUICK)
rescan(at)

if not index_old(QUICK) or fan_out(at, PAGE) then pressing = true end

local reaped, room = {}, PAGE
local first_lapse = nil
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), '-inf', at, 'LIMIT', 0, 10)) do
  local lease_ms = tonumber(redis.call('HGET', key('worker', worker), 'lease_ms') or 0)
  if at - grace_at >= lease_ms or lease_ms == 0 then
    room = room - reap_worker(worker, at, room, 'worker lost')
    reaped[#reaped + 1] = worker
    if room == 0 then
      pressing = true
      break
    end
  else
    first_lapse = math.min(first_lapse or grace_at + lease_ms, grace_at + lease_ms)
  end
end

local next_at = first_lapse
for _, set in ipairs({key('delay'), key('expiry'), key('claims'), key('workers'), key('throttled'), key('overrides'),
  key('barriers'),
  key('deadlines'), key('expected'), key('gates')}) do
  local first = redis.call('ZRANGEBYSCORE', set, string.format('(%.0f', at), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if first[2] then next_at = math.min(next_at or tonumber(first[2]), tonumber(first[2])) end
end
if pressing or redis.call('EXISTS', key('lockrescan')) == 1 then next_at = at end
local ended = redis.call('ZRANGEBYSCORE', key('overrides'), '-inf', at, 'LIMIT', 0, QUICK)
return cmsgpack.pack({'OK', exact, #promoted, reaped, next_at or false, redis.call('EXISTS', key('work')) == 1, ended})
