-- @include key
-- The first of a run's locks that has no room, or nil. locks = {name, capacity, name, capacity, ...}
local function missing_lock(locks)
  for i = 1, #locks, 2 do
    if redis.call('SCARD', key('lock', locks[i])) >= locks[i + 1] then return locks[i] end
  end
  return nil
end
