#!lua
-- Takes a lock away from a run that holds it, by hand: the run goes on without it, is marked, and the best waiter
-- gets its turn at once. When the run ends it lets go of what it still has, so nothing is freed twice.
-- KEYS      meta
-- ARGUMENTS lock=string run=string by=map
-- TOUCHES   lock:<lock> SET, run:<run> HASH
-- RETURNS   "BROKEN" | "ALREADY" | "FREE"
-- @include guard
-- @include arguments
-- @include now
-- @include handover
-- @include read_run
-- @include event
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
local lock, id = arguments.lock, arguments.run
local run = read_run(id)
local kept = redis.call('HGET', key('run', id), 'unlocked')
local unlocked = kept and cmsgpack.unpack(kept) or {}
if redis.call('SREM', key('lock', lock), id) == 0 then
  for _, one in ipairs(unlocked) do
    if one.lock == lock then return cmsgpack.pack({'ALREADY'}) end
  end
  return cmsgpack.pack({'FREE'})
end
if run then
  unlocked[#unlocked + 1] = {lock = lock, by = arguments.by.actor, reason = arguments.by.reason, at = at}
  redis.call('HSET', key('run', id), 'unlocked', cmsgpack.pack(unlocked))
end
event('unlocked', run and run.job or '', id, at, 'lock', lock, 'by', arguments.by.actor)
audit('break lock', 'lock:' .. lock, arguments.by, {run = id})
handover(lock, at, false)
return cmsgpack.pack({'BROKEN'})
