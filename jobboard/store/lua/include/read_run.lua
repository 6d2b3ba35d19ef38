-- @include key
-- @include meta
-- @include made_before
-- A live run's facts, all but its spec, or nil when there is no such live run. What is as it was at first is not
-- written down: the first attempt, none lost, none put off. The job is under the address it has now, whatever the run
-- was made under.
-- TOUCHES   moving HASH, run:<run> HASH
local function read_run(id)
  local v = redis.call('HMGET', key('run', id), 'made', 'state', 'token', 'worker', 'reserved_at', 'attempt', 'lost',
    'defers', 'tries', 'cancel', 'lock', 'overlapped', 'awaited', 'expires', 'doomed', 'fate', 'again')
  local m = v[1] and cmsgpack.unpack(v[1]) or made_before(id)
  if not m then return nil end
  local job = meta().moving and redis.call('HGET', key('moving'), m[1]) or m[1]
  return {id = id, job = job, nominal = m[2], queue = m[3], score = m[4], launch = m[5], locks = m[5].l or {},
    epoch = m[6], revision = m[7], trigger = m[8], queued_at = m[9], due_at = m[10], by = m[11] or '',
    family = m[12] or nil, state = v[2], token = tonumber(v[3] or nil), worker = v[4] or nil,
    reserved_at = tonumber(v[5] or nil), attempt = tonumber(v[6] or 1), lost = tonumber(v[7] or 0),
    defers = tonumber(v[8] or 0), tries = v[9] and cmsgpack.unpack(v[9]) or {}, cancel = v[10] or nil,
    lock = v[11] or nil, overlapped = v[12] or nil, awaited = v[13] or nil, expires = tonumber(v[14] or nil),
    doomed = v[15] or nil, fate = v[16] or nil, again = v[17] or nil}
end
