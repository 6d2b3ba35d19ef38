-- @include key
-- @include pick
-- @include allowance
-- @include ripen
-- @include spend
-- @include throttle
-- @include read_run
-- @include missing_lock
-- @include park
-- @include lift
-- @include halt
-- @include postpone
-- @include rescan
-- @include event
-- @include write_events
-- @include wake
-- Hands a worker its next runs: the best of its queues, each with all its locks, under a new token each. One
-- that misses a lock waits at that lock, one whose job is held is put off. Answers what the worker is to know of each; to the same request
-- again, after a lost reply, the same. wish = {queues, rooms = at most so many of each, limit, order, request}
-- TOUCHES   expiry ZSET, holding:<worker> SET, lock:<lock> SET, meta HASH, queue:<queue> ZSET, run:<run> HASH,
--           worker:<worker> HASH
local function hand_out(worker, wish, at)
  local entries, taken, runs, queues = {}, {}, {}, wish.queues
  local function entry(run)
    return {run.id, run.job, run.nominal, run.attempt, run.token, run.spec,
      run.trigger, run.lost, run.defers, run.queued_at, run.due_at, run.revision, run.queue}
  end
  local known = redis.call('HMGET', key('worker', worker), 'reserved', 'turn')
  local before = known[1] and cmsgpack.unpack(known[1])
  if before and before[1] == wish.request then
    for _, id in ipairs(before[2]) do
      local run = read_run(id)
      if run and run.worker == worker then entries[#entries + 1] = entry(run) end
    end
    return entries
  end

  local open, rules = allowance(queues, at)
  local rooms, by_queue = {}, {}
  for i, queue in ipairs(queues) do
    local own = wish.rooms and wish.rooms[i]
    rooms[queue] = own and math.min(own, open[queue] or own) or open[queue]
    if rules[queue] and rules[queue].aging and rooms[queue] ~= 0 then
      ripen(queue, rules[queue].aging, math.min(wish.limit, 64), at)
    end
  end
  local examined, turn = 0, tonumber(known[2] or 0)
  while #runs < wish.limit and examined < wish.limit + 64 do
    local ids = pick(queues, rooms, math.min(wish.limit - #runs, wish.limit + 64 - examined, 500), wish.order, turn)
    if #ids == 0 then break end
    examined, turn = examined + #ids, turn + #ids
    for _, id in ipairs(ids) do
      local run = read_run(id)
      local expired = run and run.expires and run.expires <= at
      local halted = run and not expired and halt(run, at)
      local missing = run and not expired and not halted and missing_lock(run)
      if missing then
        park(run, missing, at)
      elseif expired then
        redis.call('HSET', key('run', id), 'state', 'delayed')
        postpone(id, at)
      elseif run and not halted then
        if run.expires then
          redis.call('ZREM', key('expiry'), id)
          redis.call('HDEL', key('run', id), 'expires')
        end
        for i = 1, #run.locks, 2 do redis.call('SADD', key('lock', run.locks[i]), id) end
        if #run.locks > 0 then lift(run) end
        runs[#runs + 1] = run
        taken[#taken + 1] = id
        if rooms[run.queue] then rooms[run.queue] = rooms[run.queue] - 1 end
        if rules[run.queue] then
          by_queue[run.queue] = by_queue[run.queue] or {}
          table.insert(by_queue[run.queue], id)
        end
      end
    end
  end
  for queue, ids in pairs(by_queue) do
    spend(queue, rules[queue], ids, at)
    if open[queue] then open[queue] = open[queue] - #ids end
  end
  if #runs > 0 then
    local token = redis.call('HINCRBY', key('meta'), 'token', #runs) - #runs
    for start = 1, #runs, 500 do
      redis.call('SADD', key('holding', worker), unpack(taken, start, math.min(start + 499, #taken)))
    end
    events.later = true
    for i, run in ipairs(runs) do
      run.token = token + i
      redis.call('HSET', key('run', run.id), 'state', 'running', 'worker', worker, 'token', run.token,
        'reserved_at', at)
      if run.lost > 0 then redis.call('HDEL', key('run', run.id), 'lost_token') end
      entries[i] = entry(run)
      event('reserved', run.job, run.id, at, 'worker', worker, 'attempt', run.attempt)
    end
    events.later = false
    write_events(events)
  end
  redis.call('HSET', key('worker', worker), 'reserved', cmsgpack.pack({wish.request, taken}), 'turn', turn % #queues)
  rescan(at)
  for _, queue in ipairs(queues) do
    if redis.call('EXISTS', key('queue', queue)) == 1 then
      if open[queue] and open[queue] <= 0 then
        throttle(queue, rules[queue], at)
      else
        wake(queue, 1)
      end
    end
  end
  return entries
end
