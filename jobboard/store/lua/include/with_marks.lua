-- The launch record of a run that goes on with what people have marked it with: tags of its own, and that it is
-- tracked. from = {g, tagged, tracked}, as they are in a launch record
local function with_marks(launch, from)
  if not from.tagged and not from.tracked then return launch end
  local marked = {}
  for name, value in pairs(launch) do marked[name] = value end
  marked.tracked = from.tracked
  if from.tagged then marked.g, marked.tagged = from.g, 1 end
  return marked
end
