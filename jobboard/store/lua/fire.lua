#!lua
-- Carries out what a scheduler worked out for jobs it claimed: the nominal is decided once, the cursor moves,
-- the next due instant is set, all in one step. Refused where the claim is gone or the job has changed.
-- KEYS      meta
-- ARGUMENTS scheduler=string decisions=[{address, epoch, cursor, next, nominal, text, due, missed}, ...]
-- TOUCHES   meta HASH, boards HASH, defs:<version> HASH, edits HASH, work LIST, work:<stage> HASH,
--           after:<parent> SET, holds HASH, tombstones HASH, sched ZSET, cursor HASH, used HASH, claims ZSET,
--           claim HASH, run:<run> HASH, live:<job> SET, queue:<queue> ZSET, queues SET, wake:<who> LIST,
--           fanout LIST, fanout:<list> SET, history STREAM, last:<job> LIST, events STREAM, overrides ZSET,
--           minute:<minute> HASH, day:<day> HASH, jobday:<day> HASH, skips HASH, joins:<job> HASH, config HASH,
--           failures STREAM, deadlines ZSET, expected ZSET, expiry ZSET, incidents HASH
-- RETURNS   "OK" {now, [[tag, run], ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include settle
-- @include admit
-- @include skip
-- @include create
-- @include note
-- @include follow
local refused = guard()
if refused then return refused end
local at = now()

local function decide(decision)
  local address, epoch, cursor, next_due, nominal, text, due, missed = unpack(decision)
  settle(address)
  local decided = tonumber(redis.call('HGET', key('cursor'), address) or nil)
  local packed = redis.call('HGET', key('claim'), address)
  local claim = packed and cmsgpack.unpack(packed)
  if not claim or claim.s ~= arguments.scheduler then
    return nominal and decided and nominal <= decided and 'ALREADY' or 'STALE'
  end
  redis.call('ZREM', key('claims'), address)
  redis.call('HDEL', key('claim'), address)
  local _, d = definition(address)
  if not d then return 'GONE' end
  -- What was worked out with an override that has ended since is void, as after any other change.
  if d[1] ~= epoch or (d[4].u and at >= d[4].u) then
    redis.call('ZADD', key('sched'), 'NX', claim.d, address)
    return 'STALE'
  end
  if d[4].d then return 'DISABLED' end

  local limit = d[4].r
  local used = limit and tonumber(redis.call('HGET', key('used'), address) or 0)
  if limit and used >= limit then return 'COMPLETED' end
  if cursor and cursor > (decided or -1) then redis.call('HSET', key('cursor'), address, cursor) end
  if next_due then redis.call('ZADD', key('sched'), next_due, address) end
  if missed and not (decided and missed[3] <= decided) then
    local state, why = admit(address, {g = d[4].g, o = 'allow'}, missed[3])
    note(address, state or 'missed', why or 'no scheduler looked in time', missed, at)
  end
  if not nominal then return 'NOTHING' end
  if decided and nominal <= decided then return 'ALREADY' end
  local state, why = admit(address, d[4], nominal)
  if not state and d[4].w and due + d[4].w <= at then state, why = 'skipped', 'not started in time' end
  if not state then
    why = skip(address)
    state = why and 'skipped'
  end
  if state then
    note(address, state, why, {1, nominal, nominal}, at)
    follow(address, nominal, text, state, at)
    return string.upper(state)
  end
  local id = address .. '@' .. text
  create(id, address, nominal, d, {trigger = 'schedule', at = at, due = due})
  if limit then
    redis.call('HSET', key('used'), address, used + 1)
    if used + 1 >= limit then redis.call('ZREM', key('sched'), address) end
  end
  return 'FIRED', id
end

local answers = {}
for i, decision in ipairs(arguments.decisions) do
  local tag, run = decide(decision)
  answers[i] = {tag, run or false}
end
return cmsgpack.pack({'OK', at, answers})
