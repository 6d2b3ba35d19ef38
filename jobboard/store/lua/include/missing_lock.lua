-- @include key
-- The first of a run's locks that has no room for it, or nil; and whether that is only because of barriers. Runs
-- whose barriers come before it have their places in the locks kept free.
-- TOUCHES   barrier:<lock> ZSET, lock:<lock> SET
local function missing_lock(run)
  local locks, barred = run.locks, nil
  for i = 1, #locks, 2 do
    local lock, capacity = locks[i], locks[i + 1]
    local held_by = redis.call('SCARD', key('lock', lock))
    if held_by >= capacity then return lock, false end
    local before = string.format('(%.0f', run.score % 1099511627776)
    if held_by + redis.call('ZCOUNT', key('barrier', lock), '-inf', before) >= capacity then barred = barred or lock end
  end
  return barred, barred ~= nil
end
