-- @include key
-- @include meta
-- @include made_before
-- A live run's facts, all that its hash has and under the names it has them, or nil when there is no such live run. One
-- look for all of them costs less than to ask for each of those that most runs lack: what is as it was at first is not
-- written down, the first attempt, none lost, none put off. The job is under the address it has now, whatever the run
-- was made under.
-- TOUCHES   moving HASH, run:<run> HASH
local RUN_NUMBERS = {token = true, reserved_at = true, attempt = true, lost = true, defers = true, expires = true}
local function read_run(id)
  local flat = redis.call('HGETALL', key('run', id))
  -- Named here is what every running one has: a table made with room for it need not grow.
  local run = {id = id, made = nil, spec = nil, state = nil, worker = nil, token = nil, reserved_at = nil, attempt = 1,
    lost = 0, defers = 0, tries = nil, job = nil, nominal = nil, queue = nil, score = nil, launch = nil, locks = nil,
    epoch = nil, revision = nil, trigger = nil, queued_at = nil, due_at = nil, by = nil, family = nil}
  for i = 1, #flat, 2 do
    local name, value = flat[i], flat[i + 1]
    run[name] = RUN_NUMBERS[name] and tonumber(value) or value
  end
  local m = run.made and cmsgpack.unpack(run.made) or made_before(id)
  if not m then return nil end
  run.job = meta().moving and redis.call('HGET', key('moving'), m[1]) or m[1]
  run.nominal, run.queue, run.score, run.launch, run.locks = m[2], m[3], m[4], m[5], m[5].l or {}
  run.epoch, run.revision, run.trigger, run.queued_at, run.due_at = m[6], m[7], m[8], m[9], m[10]
  run.by, run.family = m[11] or '', m[12] or nil
  run.tries = run.tries and cmsgpack.unpack(run.tries) or {}
  return run
end
