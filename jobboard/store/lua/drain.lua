#!lua flags=allow-oom
-- Applies a page of what committed syncs left to do to the due set, and calls off the waiting runs of jobs
-- that are gone; running ones finish, or are stopped where an entry says by whom. Where an entry says so, waiting
-- runs take the new definition, page by page. Anybody may call it, any number of times: an entry is gone once applied.
-- KEYS      meta
-- ARGUMENTS limit=int
-- TOUCHES   live:<job> SET, meta HASH, wake:<who> LIST, work LIST, work:<stage> HASH
-- RETURNS   "OK" {applied, left}
-- @include guard
-- @include arguments
-- @include now
-- @include apply
-- @include read_run
-- @include conclude
-- @include stop
-- @include renew
local refused = guard()
if refused then return refused end
local at = now()
local stage = redis.call('LINDEX', key('work'), 0)
if not stage then return cmsgpack.pack({'OK', 0, false}) end
local work = key('work', stage)

local function disband(address, stopping)
  for _, id in ipairs(redis.call('SMEMBERS', key('live', address))) do
    local run = read_run(id)
    if run and run.state ~= 'running' and run.state ~= 'stopping' then
      conclude(run, 'cancelled', at, {reason = 'the job has left its board', quiet = true})
    elseif run and run.state == 'running' and stopping then
      stop(run, stopping, at)
    end
  end
end

-- The cursor is kept between calls: starting anew after deletions would walk ever more empty places.
local cursor = redis.call('HGET', key('meta'), 'drain') or '0'
local page = redis.call('HSCAN', work, cursor, 'COUNT', arguments.limit)
local applied, room = 0, 500
-- What moves takes its days along, each a key of its own: of such entries a call does a few, and a later one the rest.
local moves = 40
for i = 1, #page[2], 2 do
  local address, entry = page[2][i], cmsgpack.unpack(page[2][i + 1])
  local moving = entry.to or entry.from
  if moving then moves = moves - 1 end
  if not moving or moves >= 0 then
    apply(address, entry)
    if entry.gone then disband(address, entry.stop) end
    local from = entry.renew
    if from and room > 0 then
      local seen = 0
      from, seen = renew(address, from, at)
      from, room = from ~= '0' and from, room - seen
    end
    if from then
      redis.call('HSET', work, address, cmsgpack.pack({renew = from}))
    else
      redis.call('HDEL', work, address)
      applied = applied + 1
    end
  end
end
if redis.call('EXISTS', work) == 0 then
  redis.call('LPOP', key('work'))
  redis.call('HDEL', key('meta'), 'drain')
  redis.call('LPUSH', key('wake', 'scheduler'), 'drain')
  redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
else
  redis.call('HSET', key('meta'), 'drain', page[1])
end
return cmsgpack.pack({'OK', applied, redis.call('LLEN', key('work')) > 0})
