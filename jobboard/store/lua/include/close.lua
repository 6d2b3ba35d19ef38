-- @include key
-- @include withdraw
-- @include archive
-- @include count
-- @include event
-- @include release
-- @include remind
-- @include recover
-- @include advance
-- @include age_output
-- @include drop_output
-- @include pace
-- Ends a run for good, but for its dependents: locks handed over, record kept and counted, output given its
-- age, the next in the job's line sent on. Of one that somebody destroyed while it ran nothing is kept.
-- outcome = {reason, started_at, ended_at, exit, signal, output_bytes, dropped_bytes, group, quiet}
-- TOUCHES   deadlines ZSET, expected ZSET, expiry ZSET, live:<job> SET, marked HASH, outputs ZSET,
--           run:<run> HASH, tracked ZSET
local function close(run, state, at, outcome)
  withdraw(run, at)
  local record = {id = run.id, state = state, started_at = outcome.started_at or run.reserved_at,
    ended_at = outcome.ended_at or at, exit = outcome.exit, signal = outcome.signal, reason = outcome.reason,
    output_bytes = outcome.output_bytes, dropped_bytes = outcome.dropped_bytes, job = run.job,
    nominal = run.nominal, trigger = run.trigger, attempt = run.attempt, queued_at = run.queued_at,
    due_at = run.due_at, worker = run.worker, token = run.token, revision = run.revision, epoch = run.epoch,
    group = outcome.group, queue = run.queue, tags = run.launch.g, tagged = run.launch.tagged}
  if run.by ~= '' then record.by = run.by end
  if run.cancel then record.by = run.cancel end
  if run.lost > 0 then record.lost = run.lost end
  if run.defers > 0 then record.defers = run.defers end
  if run.overlapped then record.overlapped = true end
  if #run.tries > 0 then record.tries = run.tries end
  if run.unlocked then record.unlocked = cmsgpack.unpack(run.unlocked) end
  if state ~= 'ok' then
    -- What a retry by hand needs, and nothing else would know.
    record.family = run.family
    if run.own and #run.spec <= 16384 then record.spec, record.launch = run.spec, cmsgpack.pack(run.launch) end
    if run.own and #run.spec > 16384 then record.heavy = true end
  elseif string.sub(run.job, 1, 5) == 'push/' then
    -- No job says what a pushed command was.
    if run.spec and #run.spec <= 512 then record.spec = run.spec end
  end
  if run.launch.f then
    redis.call('ZREM', key('deadlines'), run.id)
    if recover(run.id, run.job, at) then record.late = true end
  end
  if state == 'ok' and run.launch.y then
    remind(key('expected'), run.job, at + run.launch.y)
    recover(run.job, run.job, at)
  end
  if not run.launch.destroyed then
    archive(record, state ~= 'ok' and state ~= 'cancelled' and not outcome.quiet, at)
    if run.launch.tracked then redis.call('HSET', key('marked'), run.id, cmsgpack.pack(record)) end
  end
  local first_at = run.tries[1] and run.tries[1].started_at or record.started_at
  count(run.job, run.queue, at, {state = state, retries = #run.tries > 0 and #run.tries,
    spans = {d = record.started_at and math.max(0, record.ended_at - record.started_at),
      w = first_at and math.max(0, first_at - math.max(run.queued_at, run.due_at))}})
  redis.call('SREM', key('live', run.job), run.id)
  redis.call('DEL', key('run', run.id))
  if run.launch.destroyed then
    drop_output(run.id)
    redis.call('ZREM', key('tracked'), run.id)
  else
    -- The output of what did not end well is kept a fortnight longer than that of what did, of what is tracked longest.
    local kept_until = run.launch.tracked and 9007199254740991 or state == 'ok' and at or at + 1209600000
    redis.call('ZADD', key('outputs'), 'XX', kept_until, run.id)
    if run.launch.z then age_output(run.id, run.launch.z, state, at) end
  end
  event('finished', run.job, run.id, at, 'state', state, 'reason', outcome.reason or '')
  if run.expires then redis.call('ZREM', key('expiry'), run.id) end
  if run.awaited then release(run.id, state, at) end
  advance(run.job, at)
  if run.launch.i then pace(run.job, at) end
end
