-- @include key
-- @include read_run
-- @include definition
-- @include in_force
-- @include enter
-- @include revive
-- @include event
-- Has one run that is over run again, from its newest record: the one that is kept for its marks, that among its
-- job's last twenty, else the one given. Its attempts so far go with it, and so do its marks. Answers RETRIED, or a tag for what stands in the way and what that is about.
-- how = {by, reason, mark, force, at}
-- TOUCHES   aging ZSET, kept:<job> ZSET, last:<job> LIST, line:<job> ZSET, live:<job> SET, marked HASH,
--           outputs ZSET, run:<run> HASH
local function again(id, given, how)
  local function marked(tries)
    for _, try in ipairs(tries or {}) do
      if try.again and try.again.mark == how.mark then return true end
    end
    return false
  end
  local live = read_run(id)
  if live then
    if marked(live.tries) then return 'ALREADY', live.state end
    return 'LIVE', live.state
  end
  local address, suffix = string.match(id, '^([^@]*)@(.*)$')
  local kept = redis.call('HGET', key('marked'), id)
  local record = kept and cmsgpack.unpack(kept)
  for _, packed in ipairs(record and {} or redis.call('LRANGE', key('last', address), 0, 19)) do
    local one = cmsgpack.unpack(packed)
    if one.id == id then
      record = one
      break
    end
  end
  record = record or given and cmsgpack.unpack(given)
  if not record then return 'UNKNOWN' end
  if marked(record.tries) then return 'ALREADY', record.state end
  if record.state == 'ok' then return 'WELL' end
  if record.heavy then return 'HEAVY' end
  local d = nil
  if record.spec then
    d = {record.epoch or 0, 0, record.revision or 0, cmsgpack.unpack(record.launch), record.spec}
  else
    local _, present = definition(address)
    d = present and in_force(present, how.at)
  end
  if not d then return 'GONE' end
  if d[4].d and not how.force then return 'DISABLED' end
  local turn = d[4].o ~= 'allow' and redis.call('EXISTS', key('live', address)) == 1 and 'line' or nil
  if turn and redis.call('ZCARD', key('line', address)) >= 100 then return 'CROWDED' end

  local tries = record.tries or {}
  tries[#tries + 1] = {attempt = record.attempt, token = record.token, state = record.state, worker = record.worker,
    reason = record.reason, started_at = record.started_at, ended_at = record.ended_at, exit = record.exit,
    signal = record.signal, group = record.group, again = {by = how.by, reason = how.reason, mark = how.mark, at = how.at}}
  if #tries > 20 then table.remove(tries, 1) end
  d[4] = revive(id, d[4], record)
  enter(id, address, record.nominal, d, {trigger = record.trigger or 'manual', at = how.at, by = how.by,
    reason = how.reason, family = record.family}, turn)
  redis.call('HSET', key('run', id), 'tries', cmsgpack.pack(tries), 'again', 1)
  -- What was lost, or never started, used up no attempt.
  local used = record.started_at and record.state ~= 'lost'
  redis.call('HSET', key('run', id), 'attempt', (record.attempt or 1) + (used and 1 or 0))
  if record.spec then redis.call('HSET', key('run', id), 'own', 1) end
  if how.force then redis.call('HSET', key('run', id), 'forced', 1) end
  redis.call('ZADD', key('outputs'), 'XX', 9007199254740991, id)
  redis.call('ZREM', key('aging'), id)
  redis.call('ZREM', key('kept', string.match(id, '^[^@]*')), id)
  event('retried', address, id, how.at, 'by', how.by)
  return 'RETRIED', redis.call('HGET', key('run', id), 'state')
end
