-- @include key
-- @include held
-- @include postpone
-- @include event
-- Keeps a run from starting while its job is under a hold; answers whether it did. The run is delayed: it is looked
-- at again when the hold ends, and each minute in case its end goes unseen.
-- TOUCHES   halted SET, run:<run> HASH
local HALT_MS = 60000
local function halt(run, at)
  local hold = held(run.job, run.launch.g, at)
  if not hold or run.forced then return false end
  redis.call('HSET', key('run', run.id), 'state', 'delayed')
  redis.call('SADD', key('halted'), run.id)
  postpone(run.id, math.min(hold['until'] or at + HALT_MS, at + HALT_MS))
  event('halted', run.job, run.id, at, 'by', tostring(hold.by or ''))
  return true
end
