-- Whether the end of a parent's run is the one that an edge asks for. What never ran fits none.
local function fits(wanted, state)
  if state == 'skipped' or state == 'missed' or state == 'held' then return false end
  if wanted == 'finished' then return true end
  if wanted == 'failed' then return state == 'failed' or state == 'lost' end
  return state == 'ok'
end
