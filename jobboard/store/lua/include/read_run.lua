-- @include key
-- A live run's facts, all but its spec, or nil when there is no such live run. Written out field by field:
-- every run is read twice on its way, and loops over the names take as long as the rest of it.
-- TOUCHES   run:<run> HASH
local function read_run(id)
  local v = redis.call('HMGET', key('run', id), 'job', 'nominal', 'state', 'queue', 'score', 'attempt', 'lost',
    'defers', 'token', 'worker', 'launch', 'epoch', 'revision', 'trigger', 'queued_at', 'due_at', 'reserved_at', 'by',
    'tries', 'cancel', 'lock', 'overlapped', 'awaited', 'expires', 'doomed',
    'family', 'fate', 'again')
  if not v[1] then return nil end
  local launch = cmsgpack.unpack(v[11])
  return {id = id, job = v[1], nominal = tonumber(v[2]), state = v[3], queue = v[4], score = v[5],
    attempt = tonumber(v[6]), lost = tonumber(v[7]), defers = tonumber(v[8]), token = tonumber(v[9]),
    worker = v[10] or nil, launch = launch, locks = launch.l or {}, epoch = tonumber(v[12]),
    revision = tonumber(v[13]), trigger = v[14], queued_at = tonumber(v[15]), due_at = tonumber(v[16]),
    reserved_at = tonumber(v[17]), by = v[18] or nil, tries = v[19] and cmsgpack.unpack(v[19]) or {},
    cancel = v[20] or nil, lock = v[21] or nil, overlapped = v[22] or nil,
    awaited = v[23] or nil, expires = tonumber(v[24] or nil), doomed = v[25] or nil,
    family = v[26] or nil, fate = v[27] or nil, again = v[28] or nil}
end
