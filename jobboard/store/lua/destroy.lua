#!lua flags=allow-oom
-- Removes what is known of a run for good: its records, its output, its marks. One that has not started is called off
-- first, with what that means for those that wait for it. One that runs is told to stop, where that is wanted, and is
-- gone once its worker says that it is over. An id that was pushed may be pushed again. Who did it is in the audit
-- stream; `mark` lets a repeat of the call find that.
-- KEYS      meta
-- ARGUMENTS run=string jobs=list history=list failures=list force=bool by=map mark=string
-- TOUCHES   audit STREAM, failures STREAM, history STREAM, last:<job> LIST, marked HASH, meta HASH,
--           outputs ZSET, pushed ZSET, run:<run> HASH, tagged ZSET, tracked ZSET
-- RETURNS   "DESTROYED" | "STOPPING" | "RUNNING" | "UNKNOWN"
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include made
-- @include conclude
-- @include stop
-- @include drop_output
-- @include event
-- @include audit
local refused = guard()
if refused then return refused end
local id, at = arguments.run, now()
local found = false

local function erase(stream, entries)
  for _, entry in ipairs(entries) do
    local packed = (redis.call('XRANGE', stream, entry, entry)[1] or {{}, {}})[2][2]
    if packed and cmsgpack.unpack(packed).id == id then
      redis.call('XDEL', stream, entry)
      redis.call('HINCRBY', key('meta'), 'history_bytes', -#packed)
      found = true
    end
  end
end

local function destroyed_before()
  for _, entry in ipairs(redis.call('XREVRANGE', key('audit'), '+', '-', 'COUNT', 20)) do
    local told = {}
    for i = 1, #entry[2], 2 do told[entry[2][i]] = entry[2][i + 1] end
    if told.what == 'destroy' and told.subject == id and cmsgpack.unpack(told.detail).mark == arguments.mark then
      return true
    end
  end
  return false
end

local run = read_run(id)
local running = run and (run.state == 'running' or run.state == 'stopping')
if running and not arguments.force then return cmsgpack.pack({'RUNNING'}) end
erase(key('history'), arguments.history)
erase(key('failures'), arguments.failures)
for _, job in ipairs(arguments.jobs) do
  for _, packed in ipairs(redis.call('LRANGE', key('last', job), 0, 19)) do
    if cmsgpack.unpack(packed).id == id then
      redis.call('LREM', key('last', job), 1, packed)
      found = true
    end
  end
end
found = redis.call('HDEL', key('marked'), id) == 1 or found
redis.call('ZREM', key('tagged'), id)
redis.call('ZREM', key('pushed'), id)
if run then
  run.launch.destroyed = 1
  redis.call('HSET', key('run', id), 'made', made(run))
  if run.state == 'running' then stop(run, arguments.by.actor, at) end
  if not running then conclude(run, 'cancelled', at, {reason = 'destroyed by ' .. arguments.by.actor}) end
elseif found then
  redis.call('ZREM', key('tracked'), id)
  if redis.call('ZSCORE', key('outputs'), id) then drop_output(id) end
elseif destroyed_before() then
  return cmsgpack.pack({'DESTROYED'})
else
  return cmsgpack.pack({'UNKNOWN'})
end
event('destroyed', run and run.job or arguments.jobs[1], id, at, 'by', arguments.by.actor)
audit('destroy', id, arguments.by, {mark = arguments.mark})
if running then return cmsgpack.pack({'STOPPING'}) end
return cmsgpack.pack({'DESTROYED'})
