-- @include key
-- @include sequence
-- @include made
-- @include enqueue
-- @include remind
-- @include event
-- @include publish
-- Makes a run of a decoded definition: everything a worker needs is copied, so later edits leave it alone.
-- how = {trigger, at, due, by, reason, family, later}; with later it is for the caller to put it where it waits.
-- Answers its number, by which runs are older or younger.
-- TOUCHES   deadlines ZSET, expiry ZSET, live:<job> SET, run:<run> HASH
local function create(id, address, nominal, d, how)
  local launch = d[4]
  local queue = launch.q or 'common'
  local number = sequence()
  local score = (1000 - (launch.p or 0)) * 1099511627776 + number
  local packed = made({job = address, nominal = nominal, queue = queue, score = score, launch = launch, epoch = d[1],
    revision = d[3], trigger = how.trigger, queued_at = how.at, due_at = how.due or how.at, by = how.by or '',
    family = how.family})
  redis.call('HSET', key('run', id), 'made', packed, 'spec', d[5], 'state', 'queued')
  if (how.reason or '') ~= '' then redis.call('HSET', key('run', id), 'reason', how.reason) end
  redis.call('SADD', key('live', address), id)
  if launch.w and how.trigger ~= 'manual' then
    local expires = (how.due or how.at) + launch.w
    redis.call('HSET', key('run', id), 'expires', expires)
    remind(key('expiry'), id, expires)
  end
  if launch.f then remind(key('deadlines'), id, (how.due or how.at) + launch.f) end
  publish('put', 'put', address, id, how.at, 'trigger', how.trigger, 'queue', queue)
  if how.later then return number end
  enqueue(id, queue, score, true)
  event(how.trigger == 'schedule' and 'fired' or 'queued', address, id, how.at, 'trigger', how.trigger)
  return number
end
