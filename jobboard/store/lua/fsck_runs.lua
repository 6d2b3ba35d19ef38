#!lua flags=allow-oom
-- Looks at live runs: each is where runs of its state are kept, and what is kept there is such a run. Says, of each
-- subject of one family, what does not hold together; mends it when told to. Looking and mending are one step, so
-- what was merely on its way is never taken for broken.
-- KEYS      meta
-- ARGUMENTS family=string name=string subjects=list repair=bool
-- TOUCHES   active:<queue> SET, blocked ZSET, deadlines ZSET, delay ZSET, expiry ZSET, gate:<run> HASH,
--           halted SET, holding:<worker> SET, incidents HASH, limits HASH, line:<job> ZSET, live:<job> SET,
--           lock:<lock> SET, lockwait:<lock> ZSET, needs:<run> SET, queue:<queue> ZSET, run:<run> HASH,
--           tracked ZSET, workers ZSET
-- RETURNS   "OK" {[subject, words], ...}
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include enqueue
-- @include lose
-- @include broken
-- @include member
-- @include running
local refused = guard()
if refused then return refused end
local at = now()
local name = arguments.name
local look = {}

function look.queue(id)
  member(id, 'in queue ' .. name, function(run) return run.state == 'queued' and run.queue == name end,
    function() redis.call('ZREM', key('queue', name), id) end)
end

function look.delay(id)
  member(id, 'among the delayed', function(run) return run.state == 'delayed' end,
    function() redis.call('ZREM', key('delay'), id) end)
end

function look.halted(id)
  if not redis.call('ZSCORE', key('delay'), id) and broken(id, 'is kept by a hold and not among the delayed') then
    redis.call('SREM', key('halted'), id)
  end
end

function look.blocked(id)
  member(id, 'among the blocked', function(run) return run.state == 'blocked' end,
    function() redis.call('ZREM', key('blocked'), id) end)
end

function look.live(id)
  member(id, 'among the live runs of ' .. name, function(run) return run.job == name end,
    function() redis.call('SREM', key('live', name), id) end)
end

function look.active(id)
  member(id, 'counted against the limit of queue ' .. name,
    function(run) return running(run) and run.queue == name and redis.call('HEXISTS', key('limits'), name) == 1 end,
    function() redis.call('SREM', key('active', name), id) end)
end

function look.holding(id)
  member(id, 'held by worker ' .. name, function(run) return running(run) and run.worker == name end,
    function() redis.call('SREM', key('holding', name), id) end)
end

function look.expiry(id)
  local run = read_run(id)
  if (not run or not run.expires) and broken(id, 'has an expiry and is no run that expires') then
    redis.call('ZREM', key('expiry'), id)
  end
end

function look.deadlines(id)
  local run = read_run(id)
  if (not run or not run.launch.f) and broken(id, 'has a deadline and is no run that has one') then
    redis.call('ZREM', key('deadlines'), id)
  end
end

local function misplaced(run)
  if run.state == 'queued' then return not redis.call('ZSCORE', key('queue', run.queue), run.id) end
  if run.state == 'delayed' then return not redis.call('ZSCORE', key('delay'), run.id) end
  if run.state == 'blocked' then
    local waits = redis.call('EXISTS', key('needs', run.id)) == 1 or redis.call('EXISTS', key('gate', run.id)) == 1
      or redis.call('ZSCORE', key('line', run.job), run.id)
    return not waits or not redis.call('ZSCORE', key('blocked'), run.id)
  end
  if run.state == 'waiting' then return not run.lock or not redis.call('ZSCORE', key('lockwait', run.lock), run.id) end
  if running(run) then return not run.worker or redis.call('SISMEMBER', key('holding', run.worker), run.id) == 0 end
  return true
end

function look.run(id)
  local run = read_run(id)
  if not run then return end
  if run.launch.tracked and not run.launch.destroyed and not redis.call('ZSCORE', key('tracked'), id)
    and broken(id, 'is tracked and not listed as such') then
    redis.call('ZADD', key('tracked'), at, id)
  end
  if redis.call('SISMEMBER', key('live', run.job), id) == 0 and broken(id, 'is not among the live runs of its job') then
    redis.call('SADD', key('live', run.job), id)
  end
  if run.launch.f and not redis.call('ZSCORE', key('deadlines'), id) and redis.call('HEXISTS', key('incidents'), id) == 0
    and broken(id, 'is to be over by an instant, and nobody would notice') then
    redis.call('ZADD', key('deadlines'), run.due_at + run.launch.f, id)
  end
  if misplaced(run) and broken(id, 'is ' .. tostring(run.state) .. ' and not kept where such runs are') then
    if running(run) and run.worker then
      redis.call('SADD', key('holding', run.worker), id)
    else
      enqueue(id, run.queue, run.score)
      return
    end
  end
  if not running(run) then return end
  local unlocked = {}
  for _, one in ipairs(cmsgpack.unpack(redis.call('HGET', key('run', id), 'unlocked') or cmsgpack.pack({}))) do
    unlocked[one.lock] = true
  end
  for i = 1, #run.locks, 2 do
    local lock = run.locks[i]
    if not unlocked[lock] and redis.call('SISMEMBER', key('lock', lock), id) == 0 and broken(id, 'runs without its lock ' .. lock) then
      redis.call('SADD', key('lock', lock), id)
    end
  end
  local rule = redis.call('HGET', key('limits'), run.queue)
  rule = rule and cmsgpack.unpack(rule)
  if rule and rule.limit and not rule.counting and redis.call('SISMEMBER', key('active', run.queue), id) == 0
    and broken(id, 'runs and does not count against the limit of queue ' .. run.queue) then
    redis.call('SADD', key('active', run.queue), id)
  end
  if not redis.call('ZSCORE', key('workers'), run.worker) and broken(id, 'runs on a worker nobody knows') then
    lose(run, at, {reason = 'worker lost'})
  end
end

for _, subject in ipairs(arguments.subjects) do look[arguments.family](subject) end
return cmsgpack.pack({'OK', problems})
