#!lua flags=allow-oom
-- Looks at runs that wait for other runs: in their job's line, for parents, at gates. Each is told of what it waits
-- for, and waits for nothing that has come. Says, of each subject of one family, what does not hold together; mends
-- it when told to. Looking and mending are one step, so what was merely on its way is never taken for broken.
-- KEYS      meta
-- ARGUMENTS family=string name=string subjects=list repair=bool
-- TOUCHES   after:<parent> SET, asks:<job> ZSET, awaited:<run> SET, fanout LIST, gate:<run> HASH,
--           gated:<job> ZSET, gates ZSET, joins:<job> HASH, line:<job> ZSET, live:<job> SET, needs:<run> SET,
--           outcomes:<job> ZSET, renamed HASH, told HASH
-- RETURNS   "OK" {[subject, words], ...}
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include pending
-- @include read_run
-- @include renamed
-- @include await
-- @include fits
-- @include is_indexed
-- @include index_gate
-- @include open_gate
-- @include put_off
-- @include proceed
-- @include advance
-- @include broken
-- @include member
local refused = guard()
if refused then return refused end
local at = now()
local name = arguments.name
local look = {}

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

function look.joins(suffix)
  local packed = redis.call('HGET', key('joins', name), suffix)
  if not packed or pending(name) or redis.call('EXISTS', key('fanout')) == 1 then return end
  local _, d = definition(name)
  local missing = false
  for _, parent in ipairs(d and d[4].a or {}) do
    missing = missing or not cmsgpack.unpack(packed).ends[parent]
  end
  if missing or not broken(name .. '@' .. suffix, 'waits for parents that have all ended') then return end
  put_off(name, {false})
end

-- What a run waits for has to live, and to know that it is awaited.
function look.needs(parent)
  local run, above = read_run(name), read_run(parent)
  local known = above and above.awaited and redis.call('SISMEMBER', key('awaited', parent), name) == 1
  if run and run.state == 'blocked' and known or redis.call('EXISTS', key('fanout')) == 1 then return end
  if not broken(name, 'waits for ' .. parent .. ', which will not tell it') then return end
  if above and run and run.state == 'blocked' then
    await(name, {parent})
  else
    redis.call('SREM', key('needs', name), parent)
    proceed(name, at)
  end
end

function look.awaited(child)
  if redis.call('SISMEMBER', key('needs', child), name) == 0 and broken(child, 'is told of ' .. name .. ' and waits for it no more') then
    redis.call('SREM', key('awaited', name), child)
  end
end

-- What a run waits for at its gate has to be told to it, unless it has come.
function look.gate(parent)
  local run = read_run(name)
  local packed = redis.call('HGET', key('gate', name), parent)
  if not packed or run and pending(run.job) or redis.call('EXISTS', key('fanout')) == 1 then return end
  local ask = cmsgpack.unpack(packed)
  local words, teller = nil, run and renamed(run.job)[parent] or parent
  if not run or run.state ~= 'blocked' then
    words = 'waits at a gate and is not blocked'
  elseif redis.call('SISMEMBER', key('after', teller), run.job) == 0 then
    words = 'waits for ' .. parent .. ', which will not tell it'
  elseif ask.high - ask.low == 1 then
    local known = redis.call('ZRANGEBYSCORE', key('outcomes', teller), ask.high, ask.high)[1]
    if known and fits(ask.on, string.match(known, ':(.*)$')) then words = 'waits for ' .. ask.shown .. ', which has ended' end
  end
  if words and broken(name, words) then
    open_gate(name, run and run.job or string.match(name, '^[^@]*'), parent, at)
  elseif not words and not redis.call('ZSCORE', key('gated', run.job), name .. ' ' .. parent) and is_indexed()
    and broken(name, 'waits for ' .. parent .. ', and is not listed as such') then
    index_gate(run.job, name, parent, ask)
  end
end

function look.gated(entry)
  local id, parent = string.match(entry, '^(.*) (%S+)$')
  local run = read_run(id)
  if run and run.job == name and redis.call('HEXISTS', key('gate', id), parent) == 1 then return end
  if broken(id, 'is listed as a run of ' .. name .. ' that waits for ' .. parent .. ', and is none') then
    redis.call('ZREM', key('gated', name), entry)
  end
end

function look.renamed(job)
  if pending(job) or redis.call('EXISTS', key('fanout')) == 1 then return end
  local packed = redis.call('HGET', key('renamed'), job)
  if packed and broken(job, 'has parents with other addresses, and its runs are not told') then
    local names = cmsgpack.unpack(packed)[2]
    redis.call('HSET', key('renamed'), job, cmsgpack.pack({put_off(job, {false}), names}))
  end
end

function look.gates(id)
  if redis.call('EXISTS', key('gate', id)) == 0 and broken(id, 'has to be done waiting, and waits for nothing') then
    redis.call('ZREM', key('gates'), id)
  end
end

function look.outcomes(job)
  if redis.call('EXISTS', key('asks', job)) == 0 and broken(job, 'has runs remembered that nobody asks for') then
    redis.call('DEL', key('outcomes', job))
    redis.call('HDEL', key('told'), job)
  end
end

for _, subject in ipairs(arguments.subjects) do look[arguments.family](subject) end
return cmsgpack.pack({'OK', problems})
