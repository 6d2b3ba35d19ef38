-- @include close
-- @include follow
-- Ends a run for good, and decides its dependents; those of a run that was run again were told how it ended
-- before, and are told only what is better news. outcome as in `close`
local function conclude(run, state, at, outcome)
  close(run, state, at, outcome)
  if (run.trigger ~= 'manual' or run.family) and (not run.again or state == 'ok') then
    follow(run.job, run.nominal, string.match(run.id, '@(.*)$'), state, at, 1, run.family, run.by, nil, run.again)
  end
end
