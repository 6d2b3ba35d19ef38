#!lua
-- Carries out what a scheduler worked out for jobs it claimed: the nominal is decided once, the cursor moves,
-- the next due instant is set, all in one step. Refused where the claim is gone, the job has changed or is not due.
-- missed = {count, first, last, reason} or false; backlog = [{nominal, text, due}, ...] or false: the nominals that
-- are caught up, oldest first and all before the nominal. gate = {epochs, told, asks, vain} or false, what the run
-- waits for and what that was worked out from; each entry of the backlog has one too.
-- KEYS      meta
-- ARGUMENTS scheduler=string decisions=[{address, epoch, cursor, next, nominal, text, due, missed, backlog, gate}, ...]
-- TOUCHES   cursor HASH, gated:<job> ZSET, gates ZSET, line:<job> ZSET, live:<job> SET,
--           sched ZSET, told HASH, used HASH
-- RETURNS   "OK" {now, [[tag, run], ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include settle
-- @include take_back
-- @include admit
-- @include enter
-- @include skip
-- @include note
-- @include doom
-- @include overdue
-- @include read_run
-- @include follow
-- @include pace
-- @include add_up
local refused = guard()
if refused then return refused end
local at = now()

local addresses = {}
for i, decision in ipairs(arguments.decisions) do
  addresses[i] = decision[1]
  settle(decision[1])
end
local jobs = take_back(addresses, arguments.scheduler)

-- Whether what a gate was worked out from is still so.
local function holds(gate)
  for _, pair in ipairs(gate and gate.epochs or {}) do
    local _, d = definition(pair[1])
    if not d or d[1] ~= pair[2] or (d[4].u and at >= d[4].u) then return false end
  end
  for _, pair in ipairs(gate and gate.told or {}) do
    if tonumber(redis.call('HGET', key('told'), pair[1]) or 0) ~= pair[2] then return false end
  end
  return true
end

-- Ends the waits at gates that are to end by now, whosever they are. A call ends few; whether these were all.
local waits_over = nil
local function waits_ended()
  if waits_over == nil then
    local page = redis.call('ZRANGEBYSCORE', key('gates'), '-inf', at, 'LIMIT', 0, 32)
    for _, id in ipairs(page) do overdue(id, at) end
    waits_over = #page < 32
  end
  return waits_over
end

-- Makes a run, which waits at its gate if it has one; where that is in vain it fails at once. As `enter`.
local function let_in(id, address, nominal, d, how, turn, gate)
  how.asks = gate and not gate.vain and gate.asks
  local passed = enter(id, address, nominal, d, how, turn)
  if gate and gate.vain then doom(read_run(id), 'failed', gate.vain[2], at) end
  return passed
end

-- Whether no run is made for a nominal: the state that is written down and told on, or nil where one is. state and
-- why are what `admit` said.
local function pass_over(address, d, state, why, nominal, text, due, gate)
  if not state and d[4].w and due + d[4].w <= at then state, why = 'skipped', 'not started in time' end
  if not state and gate and gate.vain and gate.vain[1] == 'skip' then state, why = 'skipped', gate.vain[2] end
  if not state then
    why = skip(address)
    state = why and 'skipped'
  end
  if not state then return nil end
  note(address, state, why, {1, nominal, nominal}, at)
  follow(address, nominal, text, state, at)
  return state
end

-- Makes the runs of nominals that are caught up, one behind the other in the job's line. The line has room for a
-- hundred: what is too much is passed over, the oldest first. Answers how many runs were made, and the last one.
local function catch_up(address, d, backlog, room)
  local made, id = 0, nil
  local surplus = #backlog - (100 - redis.call('ZCARD', key('line', address)))
  if surplus > 0 then
    local seen = {surplus, backlog[1][1], backlog[surplus][1]}
    note(address, 'missed', 'its line of 100 is full', seen, at)
    follow(address, seen[3], '', 'missed', at, 1, false, false, seen)
  end
  for i = math.max(1, surplus + 1), #backlog do
    local nominal, text, due, gate = unpack(backlog[i])
    if room and made >= room then break end
    local state, why = admit(address, {g = d[4].g, o = 'allow'}, nominal)
    if not pass_over(address, d, state, why, nominal, text, due, gate) then
      id = address .. '@' .. text
      let_in(id, address, nominal, d, {trigger = 'schedule', at = at, due = due, catchup = true}, 'line', gate)
      made = made + 1
    end
  end
  return made, id
end

-- Why a decision is not carried out, as a tag; nil where it is. A claim is good for one.
local function refusal_of(decision)
  local address, epoch, cursor, _, _, _, _, _, backlog, gate = unpack(decision)
  local job = jobs[address]
  local due, d = job.due, job.d
  job.due = nil
  if not due then return cursor and job.decided and cursor <= job.decided and 'ALREADY' or 'STALE' end
  if not d then return 'GONE' end
  -- What was worked out with an override that has ended since is void, as after any other change.
  local stale = due > at or d[1] ~= epoch or (d[4].u and at >= d[4].u) or not holds(gate)
  for _, late in ipairs(d[4].n and backlog or {}) do stale = stale or not holds(late[4]) end
  -- A run whose wait ends now is out of the way of the next. Where many end at once it comes again for the rest.
  if stale or d[4].n and not waits_ended() and redis.call('EXISTS', key('gated', address)) == 1 then
    redis.call('ZADD', key('sched'), 'NX', due, address)
    return 'STALE'
  end
  return d[4].d and 'DISABLED' or nil
end

-- Moves the cursors of jobs to where their decisions leave them, and has them due next.
local function move_on(decisions)
  local cursors, dues = {}, {}
  for _, decision in ipairs(decisions) do
    local address, _, cursor, next_due = unpack(decision)
    if cursor and cursor > (jobs[address].decided or -1) then
      cursors[#cursors + 1], cursors[#cursors + 2] = address, cursor
    end
    if next_due then dues[#dues + 1], dues[#dues + 2] = next_due, address end
  end
  if #cursors > 0 then redis.call('HSET', key('cursor'), unpack(cursors)) end
  if #dues > 0 then redis.call('ZADD', key('sched'), unpack(dues)) end
end

-- Carries out a decision that has not been refused; one whose job was not moved on with all others is so here.
local function decide(decision, moved)
  local address, _, _, _, nominal, text, due, missed, backlog, gate = unpack(decision)
  local d, decided = jobs[address].d, jobs[address].decided
  local limit = d[4].r
  local used = limit and tonumber(redis.call('HGET', key('used'), address) or 0)
  if limit and used >= limit then return 'COMPLETED' end
  -- A run that comes after the end of another waits for that end, whatever made it.
  local paced = d[4].i and (nominal or missed or backlog)
  if paced and redis.call('EXISTS', key('live', address)) == 1 then
    pace(address, at)
    return 'WAITING'
  end
  if not moved then move_on({decision}) end
  if missed and not (decided and missed[3] <= decided) then
    local state, why = admit(address, {g = d[4].g, o = 'allow'}, missed[3])
    state, why = state or 'missed', why or missed[4]
    note(address, state, why, missed, at)
    follow(address, missed[3], '', state, at, 1, false, false, missed)
  end
  local made, id = 0, nil
  if backlog and not (decided and backlog[#backlog][1] <= decided) then
    made, id = catch_up(address, d, backlog, limit and limit - used)
  end
  local fresh = nominal and not (decided and nominal <= decided)
  if fresh and not (limit and used + made >= limit) then
    local state, why, turn = admit(address, d[4], nominal)
    state = pass_over(address, d, state, why, nominal, text, due, gate)
    if state then
      if paced and made == 0 then pace(address, at) end
      if made == 0 then return string.upper(state) end
    else
      id = address .. '@' .. text
      local how = {trigger = 'schedule', at = at, due = due}
      for _, passed in ipairs(let_in(id, address, nominal, d, how, turn, gate)) do
        follow(address, passed[1], passed[2], passed[3], at, 1, passed[4], passed[5])
      end
      made = made + 1
    end
  end
  if limit and made > 0 then
    redis.call('HSET', key('used'), address, used + made)
    if used + made >= limit then redis.call('ZREM', key('sched'), address) end
  end
  if made > 0 then return 'FIRED', id end
  if paced then pace(address, at) end
  return nominal and not fresh and 'ALREADY' or 'NOTHING'
end

-- What becomes of a plain decision hangs on nothing that the others of its page bring about: all of them are judged,
-- and their jobs moved on, at once. One that is gated, paced or counted is judged in its turn.
local tags, plain, moved = {}, {}, {}
for i, decision in ipairs(arguments.decisions) do
  local d = jobs[decision[1]].d
  if not (d and (d[4].n or d[4].i or d[4].r)) then
    tags[i] = refusal_of(decision)
    moved[i] = not tags[i]
    if moved[i] then plain[#plain + 1] = decision end
  end
end
move_on(plain)
numbers.ahead = math.max(1, #plain)
local answers = add_up(arguments.decisions, at, function(decision, i)
  local tag, run = tags[i] or not moved[i] and refusal_of(decision), nil
  if not tag then tag, run = decide(decision, moved[i]) end
  return {tag, run or false}
end)
return cmsgpack.pack({'OK', at, answers})
