-- @include meta
-- The store's time in milliseconds since the epoch. In a namespace made for tests, and only there, the
-- offset that the test sets is added.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000) + meta().ahead_ms
end
