-- @include read_run
-- @include broken
-- Looks at a member of one of the places that runs of a state are kept in: it is a run, and belongs there.
local function member(id, where, belongs, remove)
  local run = read_run(id)
  if not run and broken(id, 'is ' .. where .. ' and is no run') then remove(id) end
  if run and not belongs(run) and broken(id, 'is ' .. where .. ' and is ' .. run.state) then remove(id) end
end
