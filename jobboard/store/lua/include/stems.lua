-- @include definition
-- Whether a job is another, or runs after it, near or far.
local function stems(address, root)
  local agenda, seen = {address}, {}
  while #agenda > 0 do
    local here = table.remove(agenda)
    if here == root then return true end
    local _, d = nil, nil
    if not seen[here] then _, d = definition(here) end
    seen[here] = true
    for _, parent in ipairs(d and d[4].a or {}) do agenda[#agenda + 1] = parent end
  end
  return false
end
