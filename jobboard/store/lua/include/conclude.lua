-- @include close
-- @include follow
-- Ends a run for good, and decides its dependents. outcome as in `close`
local function conclude(run, state, at, outcome)
  close(run, state, at, outcome)
  if run.trigger ~= 'manual' or run.family then
    follow(run.job, run.nominal, string.match(run.id, '@(.*)$'), state, at, 1, run.family, run.by)
  end
end
