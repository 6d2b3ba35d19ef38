-- @include key
-- @include definition
-- @include in_force
-- @include made
-- @include read_run
-- @include withdraw
-- @include lift
-- @include handover
-- @include enqueue
-- @include remind
-- @include with_marks
-- @include recover
-- @include event
-- Gives the runs of a job that wait, for whatever, the definition that is in force now: so many at most, from a
-- cursor on. Answers the cursor to go on from, nil behind the last, how many runs it looked at, and how many of
-- them took it. A page may be larger than what was asked for, while the set is resized: what is left of it is found
-- again from the same cursor. A run stays what it is but for what it runs: id, nominal, tries and age are its own,
-- and so are the other runs that it waits for. Running ones go on as they started, and what was pushed stays what
-- was pushed.
-- TOUCHES   deadlines ZSET, expiry ZSET, live:<job> SET, run:<run> HASH
local function renew(address, cursor, most, at)
  local _, d = definition(address)
  if not d then return nil, 0, 0 end
  d = in_force(d, at)
  local launch = d[4]
  local function renew_run(run)
    local queue = launch.q or 'common'
    local score = (1000 - (launch.p or 0)) * 1099511627776 + run.score % 1099511627776
    local locks_move = cmsgpack.pack(run.locks) ~= cmsgpack.pack(launch.l or {})
    local placed = (run.state == 'queued' or run.state == 'waiting')
      and (locks_move or queue ~= run.queue or score ~= run.score)
    if placed then
      withdraw(run, at)
    elseif locks_move and lift(run) then
      for i = 1, #run.locks, 2 do handover(run.locks[i], at, false) end
    end
    local before = run.launch
    run.launch, run.epoch, run.revision, run.queue, run.score = with_marks(launch, before), d[1], d[3], queue, score
    redis.call('HSET', key('run', run.id), 'spec', d[5], 'made', made(run))
    -- Up to when it has to be started holds until its first attempt, and not for a run by hand.
    local expires = launch.w and run.due_at + launch.w
    if run.trigger ~= 'manual' and expires and (run.expires or not before.w and run.attempt == 1) then
      redis.call('HSET', key('run', run.id), 'expires', expires)
      remind(key('expiry'), run.id, expires)
    elseif run.expires and not expires then
      redis.call('HDEL', key('run', run.id), 'expires')
      redis.call('ZREM', key('expiry'), run.id)
    end
    if launch.f then
      remind(key('deadlines'), run.id, run.due_at + launch.f)
    elseif before.f then
      redis.call('ZREM', key('deadlines'), run.id)
      recover(run.id, run.job, at)
    end
    event('renewed', address, run.id, at, 'revision', d[3])
    if placed then
      enqueue(run.id, queue, score)
      event('queued', address, run.id, at, 'trigger', run.trigger)
    end
  end

  local renewed = 0
  local page = redis.call('SSCAN', key('live', address), cursor, 'COUNT', most)
  for i, id in ipairs(page[2]) do
    local run = read_run(id)
    local idle = run and run.state ~= 'running' and run.state ~= 'stopping'
    if idle and (run.epoch ~= d[1] or run.revision ~= d[3]) and redis.call('HEXISTS', key('run', id), 'pushed') == 0 then
      if renewed == most then return cursor, i, renewed end
      renew_run(run)
      renewed = renewed + 1
    end
  end
  return page[1] ~= '0' and page[1] or nil, #page[2], renewed
end
