-- A decoded definition as it is at an instant. An override that has ended by then does not count, though
-- nobody may have taken it off yet; only the job's schedule entry waits for that.
local function in_force(d, at)
  if not d[4].u or at < d[4].u then return d end
  local found = d
  for _, later in ipairs(d[7][3]) do
    if later[1] <= at then found = {d[1], d[2], d[3], later[2], later[3]} end
  end
  return found
end
