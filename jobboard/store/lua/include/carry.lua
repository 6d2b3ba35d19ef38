-- @include key
-- @include now
-- @include readdress
-- @include settle_counts
-- @include meta
-- @include regate
-- Gives a job's state another address: next due instant, cursor, runs counted, live edits, overrides, holds,
-- what is expected of it, last records, what was counted of its last thirty days, and the runs that are not over. A claim
-- is void. Of what has been carried before nothing is left to carry. Where there are many runs, each is told of its new
-- address later: that is left for `drain` to do, and `read_run` knows of it meanwhile.
-- TOUCHES   claim HASH, claims ZSET, cursor HASH, edits HASH, expected ZSET,
--           holds HASH, incidents HASH, jobday:<day> HASH, joins:<job> HASH, last:<job> LIST,
--           line:<job> ZSET, live:<job> SET, meta HASH, moving HASH, outcomes:<job> ZSET, overrides ZSET,
--           sched ZSET, skips HASH, told HASH, used HASH, work LIST, work:<stage> HASH
local carried = nil
local function carry(from, to)
  local FEW = 8
  local due = redis.call('ZSCORE', key('sched'), from)
  local claim = redis.call('HGET', key('claim'), from)
  if not due and claim then due = cmsgpack.unpack(claim).d end
  redis.call('ZREM', key('sched'), from)
  redis.call('ZREM', key('claims'), from)
  redis.call('HDEL', key('claim'), from)
  if due then redis.call('ZADD', key('sched'), due, to) end
  for _, kept in ipairs({{key('cursor'), from, to}, {key('used'), from, to}, {key('edits'), from, to},
    {key('skips'), from, to}, {key('holds'), 'job:' .. from, 'job:' .. to}}) do
    local value = redis.call('HGET', kept[1], kept[2])
    if value then
      redis.call('HSET', kept[1], kept[3], value)
      redis.call('HDEL', kept[1], kept[2])
    end
  end
  local expected = redis.call('ZSCORE', key('expected'), from)
  if expected then redis.call('ZADD', key('expected'), expected, to) end
  redis.call('ZREM', key('expected'), from)
  local overdue = redis.call('HGET', key('incidents'), from)
  if overdue then
    local incident = cmsgpack.unpack(overdue)
    incident.job = to
    redis.call('HSET', key('incidents'), to, cmsgpack.pack(incident))
    redis.call('HDEL', key('incidents'), from)
  end
  local ends = redis.call('ZSCORE', key('overrides'), from)
  if ends then redis.call('ZADD', key('overrides'), ends, to) end
  redis.call('ZREM', key('overrides'), from)
  -- What was never put on record was never counted.
  if redis.call('EXISTS', key('last', from)) == 1 then
    redis.call('RENAME', key('last', from), key('last', to))
    settle_counts()
    local today = math.floor(now() / 86400000)
    for day = today - 30, today do
      local days = key('jobday', day)
      local counted = redis.call('HGET', days, from)
      if counted then
        redis.call('HSET', days, to, counted)
        redis.call('HDEL', days, from)
      end
    end
  end
  if redis.call('EXISTS', key('joins', from)) == 1 then redis.call('RENAME', key('joins', from), key('joins', to)) end
  if redis.call('EXISTS', key('line', from)) == 1 then redis.call('RENAME', key('line', from), key('line', to)) end
  regate(from, to)
  if redis.call('EXISTS', key('outcomes', from)) == 1 then
    redis.call('RENAME', key('outcomes', from), key('outcomes', to))
    redis.call('HINCRBY', key('told'), to, 1)
    redis.call('HDEL', key('told'), from)
  end
  if redis.call('EXISTS', key('live', from)) == 0 then return end
  if redis.call('RENAMENX', key('live', from), key('live', to)) == 0 then
    redis.call('SUNIONSTORE', key('live', to), key('live', to), key('live', from))
    redis.call('UNLINK', key('live', from))
  end
  if redis.call('SCARD', key('live', to)) <= FEW then
    readdress(to, '0', FEW)
    return
  end
  redis.call('HSET', key('moving'), from, to)
  redis.call('HSET', key('meta'), 'moving', 1)
  meta().moving = true
  if not carried then
    carried = redis.call('HINCRBY', key('meta'), 'seq', 1)
    redis.call('RPUSH', key('work'), carried)
  end
  redis.call('HSET', key('work', carried), to, cmsgpack.pack({readdress = '0', was = from}))
end
