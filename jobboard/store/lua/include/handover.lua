-- @include key
-- @include read_run
-- @include missing_lock
-- @include enqueue
-- @include park
-- Sends the best waiters of a lock with room back to their queues: as many as there is room for or, when
-- eager, all of the page, because one that was sent before may sit in a queue nobody serves. A waiter that
-- misses another lock moves there. While room and waiters are left the lock stays on the rescan list.
local function handover(lock, at, eager)
  local waiting = key('lockwait', lock)
  local held_by = redis.call('SCARD', key('lock', lock))
  local promised, full = 0, false
  for _, id in ipairs(redis.call('ZRANGE', waiting, 0, 15)) do
    local run = read_run(id)
    if not run or run.state ~= 'waiting' or run.lock ~= lock then
      redis.call('ZREM', waiting, id)
    else
      local missing = missing_lock(run.locks)
      full = missing == lock or full
      if full then break end
      if missing then
        redis.call('ZREM', waiting, id)
        park(run, missing, at)
      else
        local capacity = 0
        for i = 1, #run.locks, 2 do
          if run.locks[i] == lock then capacity = run.locks[i + 1] end
        end
        if not eager and held_by + promised >= capacity then break end
        promised = promised + 1
        redis.call('ZREM', waiting, id)
        redis.call('HDEL', key('run', id), 'lock')
        enqueue(id, run.queue, run.score)
      end
    end
  end
  if not full and redis.call('ZCARD', waiting) > 0 then
    redis.call('SADD', key('lockrescan'), lock)
  else
    redis.call('SREM', key('lockrescan'), lock)
  end
end
