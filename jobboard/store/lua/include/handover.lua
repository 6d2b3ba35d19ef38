-- @include key
-- @include read_run
-- @include missing_lock
-- @include enqueue
-- @include park
-- @include remind
-- Sends the best waiters of a lock with room back to their queues: as many as there is room for or, when
-- eager, all of the page, because one that was sent before may sit in a queue nobody serves. Those with a barrier
-- come first, and have ten seconds to start before the barrier is lifted. A waiter that misses another lock moves
-- there. While room and waiters are left, not all of them behind barriers, the lock stays on the rescan list.
-- TOUCHES   barrier:<lock> ZSET, barriers ZSET, lock:<lock> SET, lockrescan SET, lockwait:<lock> ZSET,
--           run:<run> HASH
local function handover(lock, at, eager)
  local waiting = key('lockwait', lock)
  local held_by = redis.call('SCARD', key('lock', lock))
  local promised, full, behind, left = 0, false, false, false
  local ids, first = redis.call('ZRANGE', key('barrier', lock), 0, 15), {}
  for _, id in ipairs(ids) do first[id] = true end
  for _, id in ipairs(redis.call('ZRANGE', waiting, 0, 15)) do
    if not first[id] then ids[#ids + 1] = id end
  end
  for _, id in ipairs(ids) do
    local run = read_run(id)
    if not run or run.state ~= 'waiting' or run.lock ~= lock then
      redis.call('ZREM', waiting, id)
    else
      local missing, barred = missing_lock(run)
      behind = behind or barred and missing == lock
      full = missing == lock and not barred
      if full then break end
      if missing and missing ~= lock then
        redis.call('ZREM', waiting, id)
        park(run, missing, at)
      elseif not missing then
        local capacity = 0
        for i = 1, #run.locks, 2 do
          if run.locks[i] == lock then capacity = run.locks[i + 1] end
        end
        left = not eager and held_by + promised >= capacity
        if left then break end
        promised = promised + 1
        redis.call('ZREM', waiting, id)
        redis.call('HDEL', key('run', id), 'lock')
        enqueue(id, run.queue, run.score)
        if first[id] then remind(key('barriers'), id, at + 10000) end
        -- Whoever wants as much as this one would only be read.
        left = not eager and held_by + promised >= capacity
        if left then break end
      end
    end
  end
  if not full and (left or not behind) and redis.call('ZCARD', waiting) > 0 then
    redis.call('SADD', key('lockrescan'), lock)
  else
    redis.call('SREM', key('lockrescan'), lock)
  end
end
