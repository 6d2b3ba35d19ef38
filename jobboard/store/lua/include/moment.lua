-- @include meta
-- The store's time as `now` has it, with the microseconds as a fraction: what a scheduler sets its clock by.
local function moment()
  local t = redis.call('TIME')
  return t[1] * 1000 + t[2] / 1000 + meta().ahead_ms
end
