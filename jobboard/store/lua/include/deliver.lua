-- @include key
-- @include read_run
-- @include withdraw
-- @include recover
-- @include create
-- @include needs
-- @include await
-- @include place
-- @include remind
-- @include remember
-- @include with_marks
-- @include revive
-- Makes a one-off run, unless one of its id is there or was pushed before. parcel = {id, named, mark, address, spec,
-- launch, epoch, revision, delay_ms, due, expires_ms, expires, after, replace, by, reason}; answers a tag, and what
-- it is about. A push that replaces is told from another of its id by its mark.
-- TOUCHES   deadlines ZSET, expiry ZSET, live:<job> SET, pushed ZSET, run:<run> HASH
local function deliver(parcel, at)
  local id, address = parcel.id, parcel.address
  local before = read_run(id)
  local trace = parcel.mark and id .. '#' .. parcel.mark or not parcel.replace and id
  if before and not parcel.replace or trace and redis.call('ZSCORE', key('pushed'), trace) then
    return parcel.replace and 'PUSHED' or 'ALREADY', before and before.state or 'ended'
  end
  if before and (before.state == 'running' or before.state == 'stopping') then return 'RUNNING', before.state end
  local open, tag, about = needs(id, parcel.after or {})
  if not open then return tag, about end
  local due = parcel.due or at + (parcel.delay_ms or 0)
  local expires = parcel.expires or parcel.expires_ms and at + parcel.expires_ms
  local launch = before and with_marks(parcel.launch, before.launch) or parcel.named and revive(id, parcel.launch)
    or parcel.launch
  if before then
    withdraw(before, at)
    redis.call('SREM', key('live', before.job), id)
    redis.call('ZREM', key('expiry'), id)
    redis.call('ZREM', key('deadlines'), id)
    recover(id, before.job, at)
    redis.call('DEL', key('run', id))
  end
  create(id, address, math.max(due, at), {parcel.epoch or 0, 0, parcel.revision or 0, launch, parcel.spec},
    {trigger = 'manual', at = at, due = due, by = parcel.by, reason = parcel.reason, later = true})
  redis.call('HSET', key('run', id), 'pushed', 1)
  if expires then
    redis.call('HSET', key('run', id), 'expires', expires)
    remind(key('expiry'), id, expires)
  end
  redis.call('HSET', key('run', id), 'own', 1)
  remember(parcel, trace, math.max(due, at), at)
  if before and before.awaited then redis.call('HSET', key('run', id), 'awaited', 1) end
  await(id, open)
  place(read_run(id), at)
  return before and 'REPLACED' or 'PUSHED', id
end
