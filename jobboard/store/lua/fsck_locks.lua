#!lua flags=allow-oom
-- Looks at locks: who holds one runs, who waits for one cannot have it, and barriers stand where something lifts
-- them. Says, of each subject of one family, what does not hold together; mends it when told to. Looking and mending
-- are one step, so what was merely on its way is never taken for broken.
-- KEYS      meta
-- ARGUMENTS family=string name=string subjects=list repair=bool
-- TOUCHES   barrier:<lock> ZSET, barriers ZSET, lock:<lock> SET, lockrescan SET, lockwait:<lock> ZSET
-- RETURNS   "OK" {[subject, words], ...}
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include missing_lock
-- @include handover
-- @include broken
-- @include member
-- @include running
local refused = guard()
if refused then return refused end
local at = now()
local name = arguments.name
local look = {}

function look.lock(id)
  member(id, 'holding lock ' .. name, running, function()
    redis.call('SREM', key('lock', name), id)
    handover(name, at, true)
  end)
end

function look.lockwait(id)
  member(id, 'waiting for lock ' .. name, function(run) return run.state == 'waiting' and run.lock == name end,
    function() redis.call('ZREM', key('lockwait', name), id) end)
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

for _, subject in ipairs(arguments.subjects) do look[arguments.family](subject) end
return cmsgpack.pack({'OK', problems})
