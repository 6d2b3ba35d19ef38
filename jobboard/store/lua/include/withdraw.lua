-- @include key
-- @include handover
-- @include lift
-- @include wake
-- Takes a run out of wherever its state keeps it. A running one lets go of its locks, and the best waiters
-- get their turn at once. The run's hash stays, for the caller to end or to give its next state.
-- TOUCHES   active:<queue> SET, awaited:<run> SET, blocked ZSET, delay ZSET, gate:<run> HASH, gated:<job> ZSET,
--           gates ZSET, halted SET, holding:<worker> SET, limits HASH, line:<job> ZSET, lock:<lock> SET,
--           lockwait:<lock> ZSET, needs:<run> SET, queue:<queue> ZSET, run:<run> HASH
local limits_known = nil
local function withdraw(run, at)
  if run.state == 'queued' then
    redis.call('ZREM', key('queue', run.queue), run.id)
  elseif run.state == 'delayed' then
    redis.call('ZREM', key('delay'), run.id)
    redis.call('SREM', key('halted'), run.id)
  elseif run.state == 'waiting' then
    redis.call('ZREM', key('lockwait', run.lock), run.id)
    redis.call('HDEL', key('run', run.id), 'lock')
  elseif run.state == 'blocked' then
    for _, parent in ipairs(redis.call('SMEMBERS', key('needs', run.id))) do
      redis.call('SREM', key('awaited', parent), run.id)
    end
    for _, parent in ipairs(redis.call('HKEYS', key('gate', run.id))) do
      redis.call('ZREM', key('gated', run.job), run.id .. ' ' .. parent)
    end
    redis.call('DEL', key('needs', run.id), key('gate', run.id))
    redis.call('ZREM', key('gates'), run.id)
    redis.call('ZREM', key('line', run.job), run.id)
    redis.call('ZREM', key('blocked'), run.id)
  else
    redis.call('SREM', key('holding', run.worker), run.id)
    if limits_known == nil then limits_known = redis.call('EXISTS', key('limits')) == 1 end
    if limits_known and redis.call('SREM', key('active', run.queue), run.id) == 1 then wake(run.queue) end
    for i = 1, #run.locks, 2 do redis.call('SREM', key('lock', run.locks[i]), run.id) end
    for i = 1, #run.locks, 2 do handover(run.locks[i], at, false) end
    return
  end
  if #run.locks > 0 and lift(run) then
    for i = 1, #run.locks, 2 do handover(run.locks[i], at, false) end
  end
end
