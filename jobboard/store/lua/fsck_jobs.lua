#!lua flags=allow-oom
-- Looks at what is known of jobs: when they are due, who has claimed them, how far they are decided, what is laid
-- over them, whom they hear of, and what is expected of them. Says, of each subject of one family, what does not
-- hold together; mends it when told to. Looking and mending are one step, so what was merely on its way is never
-- taken for broken.
-- KEYS      meta
-- ARGUMENTS family=string name=string subjects=list repair=bool
-- TOUCHES   after:<parent> SET, asks:<job> ZSET, claim HASH, claims ZSET, cursor HASH, expected ZSET,
--           incidents HASH, overrides ZSET, sched ZSET, skips HASH, used HASH
-- RETURNS   "OK" {[subject, words], ...}
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include pending
-- @include read_run
-- @include broken
local refused = guard()
if refused then return refused end
local at = now()
local name = arguments.name
local ENDLESS = 9007199254740991
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

function look.cursor(address)
  if pending(address) or definition(address) then return end
  if broken(address, 'has a cursor and is no job') then
    redis.call('HDEL', key('cursor'), address)
    redis.call('HDEL', key('used'), address)
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

for _, subject in ipairs(arguments.subjects) do look[arguments.family](subject) end
return cmsgpack.pack({'OK', problems})
