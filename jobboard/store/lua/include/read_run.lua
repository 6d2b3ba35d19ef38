-- @include key
-- A live run's facts, all but its spec, or nil when there is no such live run.
local function read_run(id)
  local names = {'job', 'nominal', 'state', 'queue', 'score', 'attempt', 'lost', 'defers', 'token', 'worker',
    'launch', 'epoch', 'revision', 'trigger', 'queued_at', 'due_at', 'reserved_at', 'by', 'tries', 'cancel',
    'lock', 'overlapped'}
  local values = redis.call('HMGET', key('run', id), unpack(names))
  if not values[1] then return nil end
  local run = {id = id}
  for i, name in ipairs(names) do run[name] = values[i] or nil end
  for _, name in ipairs({'nominal', 'attempt', 'lost', 'defers', 'token', 'epoch', 'revision', 'queued_at',
    'due_at', 'reserved_at'}) do
    run[name] = tonumber(run[name])
  end
  run.launch = cmsgpack.unpack(run.launch)
  run.locks = run.launch.l or {}
  run.tries = run.tries and cmsgpack.unpack(run.tries) or {}
  return run
end
