-- @include key
-- @include definition
-- @include in_force
-- @include made
-- @include read_run
-- @include remind
-- Has a job whose runs come a while after each other be due again, that while from now; a claim made before is void.
-- Where a run of it is unfinished still, the end of that one does so.
-- TOUCHES   claim HASH, claims ZSET, live:<job> SET, run:<run> HASH, sched ZSET, used HASH
local function pace(address, at)
  local _, d = definition(address)
  d = d and in_force(d, at)
  if not d or not d[4].i or d[4].d then return end
  local live = redis.call('SRANDMEMBER', key('live', address))
  if live then
    local run = read_run(live)
    run.launch.i = d[4].i
    redis.call('HSET', key('run', live), 'made', made(run))
    return
  end
  if d[4].r and tonumber(redis.call('HGET', key('used'), address) or 0) >= d[4].r then return end
  redis.call('ZREM', key('claims'), address)
  redis.call('HDEL', key('claim'), address)
  local due, stop = at + d[4].i[1], d[4].i[2]
  if not stop or due < stop then remind(key('sched'), address, due) end
end
