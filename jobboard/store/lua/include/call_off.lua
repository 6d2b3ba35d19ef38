-- @include conclude
-- @include stop
-- Calls a run off: one that is not running ends here and now, of a running one the worker is told. Answers
-- CANCELLED, STOPPING, or ALREADY where that was done before.
local function call_off(run, actor, at)
  if run.state == 'stopping' then return 'ALREADY' end
  run.cancel = actor
  if run.state == 'running' then
    stop(run, actor, at)
    return 'STOPPING'
  end
  conclude(run, 'cancelled', at, {reason = 'cancelled by ' .. actor})
  return 'CANCELLED'
end
