#!lua flags=allow-oom
-- Looks at some subjects of one family and says, of each, what does not hold together; mends it when told to.
-- Looking and mending are one step, so what was merely on its way is never taken for broken.
-- KEYS      meta
-- ARGUMENTS family=string name=string subjects=list repair=bool
-- TOUCHES   active:<queue> SET, after:<parent> SET, aging ZSET, asks:<job> ZSET, awaited:<run> SET,
--           barrier:<lock> ZSET, barriers ZSET, blocked ZSET, buried ZSET, bytag:<tag> LIST, changed ZSET,
--           changes:<stage> HASH, claim HASH, claims ZSET, cursor HASH, day:<day> HASH, deadlines ZSET,
--           delay ZSET, drift HASH, edits HASH, expected ZSET, expiry ZSET, fanout LIST, fanout:<list> SET,
--           gate:<run> HASH, gates ZSET, halted SET, holding:<worker> SET, incidents HASH, jobday:<day> HASH,
--           joins:<job> HASH, kept:<job> ZSET, limits HASH, line:<job> ZSET, live:<job> SET, lock:<lock> SET,
--           lockrescan SET, lockwait:<lock> ZSET, marked HASH, meta HASH, minute:<minute> HASH, needs:<run> SET,
--           out:<run> STREAM, outbytes HASH, outcomes:<job> ZSET, outputs ZSET, overrides ZSET,
--           queue:<queue> ZSET, run:<run> HASH, sched ZSET, skips HASH, stages ZSET, tagged ZSET, tagsused ZSET,
--           told HASH, tombstones HASH, tracked ZSET, used HASH, work LIST, work:<stage> HASH, workers ZSET
-- RETURNS   "OK" {[subject, words], ...}
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include read_run
-- @include made
-- @include missing_lock
-- @include enqueue
-- @include handover
-- @include lose
-- @include await
-- @include fits
-- @include open_gate
-- @include proceed
-- @include advance
local refused = guard()
if refused then return refused end
local at = now()
local ENDLESS = 9007199254740991
local repair, name = arguments.repair, arguments.name
local problems = {}

-- Notes a problem, and answers whether to mend it.
local function broken(subject, words)
  problems[#problems + 1] = {subject, words}
  return repair
end

-- A job whose schedule entry a committed sync has still to set is not looked at.
local function pending(address)
  for _, stage in ipairs(redis.call('LRANGE', key('work'), 0, -1)) do
    if redis.call('HEXISTS', key('work', stage), address) == 1 then return true end
  end
  return false
end

local look = {}

function look.sched(address)
  if pending(address) or not redis.call('ZSCORE', key('sched'), address) then return end
  local _, d = definition(address)
  if not d and broken(address, 'is due and is no job') then redis.call('ZREM', key('sched'), address) end
  if d and d[4].d and broken(address, 'is due and is disabled') then redis.call('ZREM', key('sched'), address) end
  if redis.call('ZSCORE', key('claims'), address) and broken(address, 'is due and claimed at once') then
    redis.call('ZREM', key('claims'), address)
    redis.call('HDEL', key('claim'), address)
  end
end

function look.claims(address)
  local lapse = redis.call('ZSCORE', key('claims'), address)
  local claim = redis.call('HGET', key('claim'), address)
  if (lapse and true) ~= (claim and true) and broken(address, 'is half claimed') then
    redis.call('ZREM', key('claims'), address)
    redis.call('HDEL', key('claim'), address)
    if definition(address) then redis.call('ZADD', key('sched'), 'NX', at, address) end
  end
end

-- What is overridden is in the index, at the instant at which the first override ends.
function look.overrides(address)
  local _, d = definition(address)
  local ends = d and d[7] and (d[4].u or ENDLESS)
  local said = tonumber(redis.call('ZSCORE', key('overrides'), address) or nil)
  if ends == said or (not ends and not said) then return end
  if not ends then
    if broken(address, 'is listed as overridden and is not') then redis.call('ZREM', key('overrides'), address) end
  elseif broken(address, 'has overrides whose end nobody would see') then
    redis.call('ZADD', key('overrides'), ends, address)
  end
end

-- The jobs that one goes by: those it runs after, and those that its runs wait for.
local function parents_of(launch)
  local found = {}
  for _, parents in ipairs({launch.a or {}, launch.n or {}}) do
    for _, parent in ipairs(parents) do found[#found + 1] = parent end
  end
  return found
end

function look.job(address)
  local _, d = definition(address)
  if d and d[7] then look.overrides(address) end
  if pending(address) or not d then return end
  if d[4].y and not redis.call('ZSCORE', key('expected'), address) and redis.call('HEXISTS', key('incidents'), address) == 0
    and broken(address, 'is to end ok now and then, and nobody would notice') then
    redis.call('ZADD', key('expected'), at + d[4].y, address)
  end
  for _, parent in ipairs(parents_of(d[4])) do
    if redis.call('SISMEMBER', key('after', parent), address) == 0 and broken(address, 'would not hear of ' .. parent) then
      redis.call('SADD', key('after', parent), address)
    end
  end
  for _, parent in ipairs(d[4].n or {}) do
    if not redis.call('ZSCORE', key('asks', parent), address)
      and broken(address, 'waits for runs of ' .. parent .. ', which nobody remembers') then
      redis.call('ZADD', key('asks', parent), 2764800000, address)
    end
  end
end

function look.edits(address)
  if pending(address) then return end
  local board, job = string.match(address, '^([^/]+)/(.+)$')
  for _, name in ipairs(cmsgpack.unpack(redis.call('HGET', key('drift'), board) or cmsgpack.pack({}))) do
    if name == job then return end
  end
  if broken(address, 'was edited live and does not differ from its file') then
    redis.call('HDEL', key('edits'), address)
  end
end

function look.tombstones(address)
  local stone = redis.call('HEXISTS', key('tombstones'), address) == 1
  local buried = redis.call('ZSCORE', key('buried'), address)
  if stone and not buried and broken(address, 'is gone, and would be remembered for ever') then
    redis.call('ZADD', key('buried'), at, address)
  elseif buried and not stone and broken(address, 'is listed as gone, and nothing is known of it') then
    redis.call('ZREM', key('buried'), address)
  end
end

function look.skips(address)
  if pending(address) or definition(address) then return end
  if broken(address, 'has runs to skip and is no job') then redis.call('HDEL', key('skips'), address) end
end

function look.after(child)
  if pending(child) then return end
  local _, d = definition(child)
  for _, parent in ipairs(d and parents_of(d[4]) or {}) do
    if parent == name then return end
  end
  if broken(child, 'hears of ' .. name .. ', which it does not run after') then
    redis.call('SREM', key('after', name), child)
  end
end

function look.joins(suffix)
  local packed = redis.call('HGET', key('joins', name), suffix)
  if not packed or pending(name) or redis.call('EXISTS', key('fanout')) == 1 then return end
  local _, d = definition(name)
  local missing = false
  for _, parent in ipairs(d and d[4].a or {}) do
    missing = missing or not cmsgpack.unpack(packed).ends[parent]
  end
  if missing or not broken(name .. '@' .. suffix, 'waits for parents that have all ended') then return end
  local list = redis.call('HINCRBY', key('meta'), 'seq', 1)
  redis.call('SADD', key('fanout', list), name)
  redis.call('RPUSH', key('fanout'), cmsgpack.pack({list, {false}}))
end

function look.cursor(address)
  if pending(address) or definition(address) then return end
  if broken(address, 'has a cursor and is no job') then
    redis.call('HDEL', key('cursor'), address)
    redis.call('HDEL', key('used'), address)
  end
end

-- A member of one of the places that runs of a state are kept in.
local function member(id, where, fits, remove)
  local run = read_run(id)
  if not run and broken(id, 'is ' .. where .. ' and is no run') then remove(id) end
  if run and not fits(run) and broken(id, 'is ' .. where .. ' and is ' .. run.state) then remove(id) end
end

function look.queue(id)
  member(id, 'in queue ' .. name, function(run) return run.state == 'queued' and run.queue == name end,
    function() redis.call('ZREM', key('queue', name), id) end)
end

function look.delay(id)
  member(id, 'among the delayed', function(run) return run.state == 'delayed' end,
    function() redis.call('ZREM', key('delay'), id) end)
end

function look.lockwait(id)
  member(id, 'waiting for lock ' .. name, function(run) return run.state == 'waiting' and run.lock == name end,
    function() redis.call('ZREM', key('lockwait', name), id) end)
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

function look.line(id)
  member(id, 'in the line of ' .. name, function(run) return run.state == 'blocked' and run.job == name end,
    function() redis.call('ZREM', key('line', name), id) end)
end

-- All of a line at once: somebody waits, so something else of the job is unfinished.
function look.turns(address)
  local waiting = redis.call('ZCARD', key('line', address))
  if waiting > 0 and redis.call('SCARD', key('live', address)) <= waiting
    and broken(address, 'has runs that wait for none') then advance(address, at) end
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

function look.expected(address)
  local _, d = definition(address)
  if pending(address) or d and d[4].y then return end
  if broken(address, 'is expected and is no job that is') then redis.call('ZREM', key('expected'), address) end
end

function look.incidents(subject)
  local late = string.find(subject, '@', 1, true)
  local _, d = definition(subject)
  if late and read_run(subject) or not late and (pending(subject) or d and d[4].y) then return end
  if broken(subject, 'has an incident and nothing that would end it') then redis.call('HDEL', key('incidents'), subject) end
end

-- What a run waits for has to live, and to know that it is awaited.
function look.needs(parent)
  local run, above = read_run(name), read_run(parent)
  local known = above and above.awaited and redis.call('SISMEMBER', key('awaited', parent), name) == 1
  if run and run.state == 'blocked' and known then return end
  if not broken(name, 'waits for ' .. parent .. ', which will not tell it') then return end
  if above and run and run.state == 'blocked' then
    await(name, {parent})
  else
    redis.call('SREM', key('needs', name), parent)
    proceed(name, at)
  end
end

-- What a run waits for at its gate has to be told to it, unless it has come.
function look.gate(parent)
  local run = read_run(name)
  local packed = redis.call('HGET', key('gate', name), parent)
  if not packed or run and pending(run.job) or redis.call('EXISTS', key('fanout')) == 1 then return end
  local ask = cmsgpack.unpack(packed)
  local words = nil
  if not run or run.state ~= 'blocked' then
    words = 'waits at a gate and is not blocked'
  elseif redis.call('SISMEMBER', key('after', parent), run.job) == 0 then
    words = 'waits for ' .. parent .. ', which will not tell it'
  elseif ask.high - ask.low == 1 then
    local known = redis.call('ZRANGEBYSCORE', key('outcomes', parent), ask.high, ask.high)[1]
    if known and fits(ask.on, string.match(known, ':(.*)$')) then words = 'waits for ' .. ask.shown .. ', which has ended' end
  end
  if words and broken(name, words) then open_gate(name, parent, at) end
end

function look.gates(id)
  if redis.call('EXISTS', key('gate', id)) == 0 and broken(id, 'has to be done waiting, and waits for nothing') then
    redis.call('ZREM', key('gates'), id)
  end
end

function look.asks(child)
  if pending(child) then return end
  local _, d = definition(child)
  for _, parent in ipairs(d and d[4].n or {}) do
    if parent == name then return end
  end
  if broken(child, 'has runs of ' .. name .. ' remembered, and waits for none') then
    redis.call('ZREM', key('asks', name), child)
  end
end

function look.outcomes(job)
  if redis.call('EXISTS', key('asks', job)) == 0 and broken(job, 'has runs remembered that nobody asks for') then
    redis.call('DEL', key('outcomes', job))
    redis.call('HDEL', key('told'), job)
  end
end

function look.awaited(child)
  if redis.call('SISMEMBER', key('needs', child), name) == 0 and broken(child, 'is told of ' .. name .. ' and waits for it no more') then
    redis.call('SREM', key('awaited', name), child)
  end
end

function look.live(id)
  member(id, 'among the live runs of ' .. name, function(run) return run.job == name end,
    function() redis.call('SREM', key('live', name), id) end)
end

local function running(run) return run.state == 'running' or run.state == 'stopping' end

function look.active(id)
  member(id, 'counted against the limit of queue ' .. name,
    function(run) return running(run) and run.queue == name and redis.call('HEXISTS', key('limits'), name) == 1 end,
    function() redis.call('SREM', key('active', name), id) end)
end

function look.holding(id)
  member(id, 'held by worker ' .. name, function(run) return running(run) and run.worker == name end,
    function() redis.call('SREM', key('holding', name), id) end)
end

function look.lock(id)
  member(id, 'holding lock ' .. name, running, function()
    redis.call('SREM', key('lock', name), id)
    handover(name, at, true)
  end)
end

-- A barrier stands at all locks of one that waits for them, and nowhere else.
function look.barriers(id)
  local run = read_run(id)
  local wanting = run and not running(run) and run.state ~= 'blocked'
  if not wanting and broken(id, 'has a barrier and wants no lock') then redis.call('ZREM', key('barriers'), id) end
  for i = 1, wanting and #run.locks or 0, 2 do
    if not redis.call('ZSCORE', key('barrier', run.locks[i]), id)
      and broken(id, 'has a barrier, but not at its lock ' .. run.locks[i]) then
      local age = run.score % 1099511627776
      redis.call('ZADD', key('barrier', run.locks[i]), age, id)
    end
  end
end

function look.barrier(id)
  if not redis.call('ZSCORE', key('barriers'), id)
    and broken(id, 'has a barrier at lock ' .. name .. ' that nothing would lift') then
    redis.call('ZREM', key('barrier', name), id)
    handover(name, at, true)
  end
end

-- All of a lock at once: is anybody waiting for what is free?
function look.waiters(lock)
  if redis.call('SISMEMBER', key('lockrescan'), lock) == 1 then return end
  for _, id in ipairs(redis.call('ZRANGE', key('lockwait', lock), 0, 15)) do
    local run = read_run(id)
    if run and run.state == 'waiting' and not missing_lock(run) then
      if broken(id, 'waits for lock ' .. lock .. ', which is free') then handover(lock, at, true) end
      return
    end
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
  if rule and cmsgpack.unpack(rule).limit and redis.call('SISMEMBER', key('active', run.queue), id) == 0
    and broken(id, 'runs and does not count against the limit of queue ' .. run.queue) then
    redis.call('SADD', key('active', run.queue), id)
  end
  if not redis.call('ZSCORE', key('workers'), run.worker) and broken(id, 'runs on a worker nobody knows') then
    lose(run, at, {reason = 'worker lost'})
  end
end

function look.aging(id)
  if redis.call('ZSCORE', key('outputs'), id) and redis.call('EXISTS', key('run', id)) == 0 then return end
  if broken(id, 'has no output that could grow old') then redis.call('ZREM', key('aging'), id) end
end

function look.kept(id)
  if redis.call('ZSCORE', key('outputs'), id) and redis.call('EXISTS', key('run', id)) == 0 then return end
  if broken(id, 'is counted among runs whose output is kept, and is none') then
    redis.call('ZREM', key('kept', arguments.name), id)
  end
end

-- Marks: of a live run in its launch record, of one that is over beside its record, which is kept for them.
function look.tracked(id)
  if redis.call('HEXISTS', key('marked'), id) == 1 then return end
  local run = read_run(id)
  if run and run.launch.tracked or not broken(id, run and 'is tracked and does not know it' or 'is tracked and is no run') then
    return
  end
  if run then
    run.launch.tracked = 1
    redis.call('HSET', key('run', id), 'made', made(run))
  else
    redis.call('ZREM', key('tracked'), id)
  end
end

function look.tagged(id)
  if redis.call('HEXISTS', key('marked'), id) == 0 and broken(id, 'has tags of its own, which are not kept') then
    redis.call('ZREM', key('tagged'), id)
  end
end

function look.bytag(tag)
  if not redis.call('ZSCORE', key('tagsused'), tag) and broken(tag, 'has runs that nothing would ever forget') then
    redis.call('UNLINK', key('bytag', tag))
  end
end

function look.tagsused(tag)
  if redis.call('EXISTS', key('bytag', tag)) == 0 and broken(tag, 'is a tag of runs, and none are known') then
    redis.call('ZREM', key('tagsused'), tag)
  end
end

function look.marked(id)
  local wanted = redis.call('ZSCORE', key('tracked'), id) or redis.call('ZSCORE', key('tagged'), id)
  if wanted and not read_run(id) then return end
  if broken(id, wanted and 'is over, as is kept, and is not' or 'has a record kept that nobody marked') then
    redis.call('HDEL', key('marked'), id)
  end
end

function look.out(id)
  if redis.call('ZSCORE', key('outputs'), id) then return end
  if broken(id, 'has output that nothing would ever drop') then
    redis.call('UNLINK', key('out', id))
    redis.call('HDEL', key('outbytes'), id)
  end
end

-- A job that differs from what was applied last is there, or has been removed by hand.
function look.drift(board)
  local kept = {}
  local packed = redis.call('HGET', key('drift'), board)
  for _, job in ipairs(packed and cmsgpack.unpack(packed) or {}) do
    local address = board .. '/' .. job
    local known = definition(address) or redis.call('HEXISTS', key('tombstones'), address) == 1 or pending(address)
    if known or not broken(address, 'is drift of its board, and is no job nor was one') then kept[#kept + 1] = job end
  end
  if not repair or not packed then return end
  if #kept > 0 then
    redis.call('HSET', key('drift'), board, cmsgpack.pack(kept))
  else
    redis.call('HDEL', key('drift'), board)
  end
end

-- What was counted of a stretch of time has to drop itself.
local function endless(hash, stretch, days)
  if redis.call('TTL', hash) == -1 and broken(stretch, 'has counts that nothing would ever drop') then
    redis.call('EXPIRE', hash, days * 86400)
  end
end

function look.minute(minute) endless(key('minute', minute), minute, 2) end
function look.day(day) endless(key('day', day), day, 400) end
function look.jobday(day) endless(key('jobday', day), day, 30) end

function look.stages(stage)
  local opened_at = tonumber(redis.call('ZSCORE', key('stages'), stage) or nil)
  if opened_at and opened_at <= at - 600000 then broken(stage, 'is a stage its sync has left') end
end

function look.changes(stage)
  if redis.call('ZSCORE', key('changed'), stage) or redis.call('ZSCORE', key('stages'), stage) then return end
  if broken(stage, 'has changes that no revision made') then redis.call('UNLINK', key('changes', stage)) end
end

for _, subject in ipairs(arguments.subjects) do look[arguments.family](subject) end
return cmsgpack.pack({'OK', problems})
