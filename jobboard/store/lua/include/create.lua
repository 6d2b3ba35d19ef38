-- @include key
-- @include enqueue
-- @include remind
-- @include event
-- Makes a run of a decoded definition: everything a worker needs is copied, so later edits leave it alone.
-- how = {trigger, at, due, by, reason, family, later}; with later it is for the caller to put it where it waits.
-- Answers its number, by which runs are older or younger.
-- TOUCHES   deadlines ZSET, expiry ZSET, live:<job> SET, meta HASH, run:<run> HASH
local function create(id, address, nominal, d, how)
  local launch = d[4]
  local queue = launch.q or 'common'
  local sequence = redis.call('HINCRBY', key('meta'), 'seq', 1)
  local score = (1000 - (launch.p or 0)) * 1099511627776 + sequence
  redis.call('HSET', key('run', id), 'job', address, 'nominal', nominal, 'queue', queue, 'score', score,
    'attempt', 1, 'lost', 0, 'defers', 0, 'launch', cmsgpack.pack(launch), 'spec', d[5], 'epoch', d[1],
    'revision', d[3], 'trigger', how.trigger, 'queued_at', how.at, 'due_at', how.due or how.at,
    'by', how.by or '', 'reason', how.reason or '', 'state', 'queued')
  if how.family then redis.call('HSET', key('run', id), 'family', how.family) end
  redis.call('SADD', key('live', address), id)
  if launch.w and how.trigger ~= 'manual' then
    local expires = (how.due or how.at) + launch.w
    redis.call('HSET', key('run', id), 'expires', expires)
    remind(key('expiry'), id, expires)
  end
  if launch.f then remind(key('deadlines'), id, (how.due or how.at) + launch.f) end
  if how.later then return sequence end
  enqueue(id, queue, score, true)
  event(how.trigger == 'schedule' and 'fired' or 'queued', address, id, how.at, 'trigger', how.trigger)
  return sequence
end
