#!lua flags=allow-oom
-- Applies a page of what committed syncs left to do to the due set, and calls off the waiting runs of jobs
-- that are gone; running ones finish, or are stopped where an entry says by whom. Where an entry says so, waiting
-- runs take the new definition, and all runs the new address of their job. It goes page by page, with what is left of
-- a job's runs in the entry: {disband = cursor, why, stop}, {renew = cursor} or {readdress = cursor, was}. Anybody
-- may call it, any number of times: an entry is gone once applied.
-- KEYS      meta
-- ARGUMENTS limit=int
-- TOUCHES   meta HASH, wake:<who> LIST, work LIST, work:<stage> HASH
-- RETURNS   "OK" {applied, left}
-- @include guard
-- @include arguments
-- @include now
-- @include apply
-- @include disband
-- @include renew
-- @include readdress
-- @include arrive
local refused = guard()
if refused then return refused end
local at = now()
local stage = redis.call('LINDEX', key('work'), 0)
if not stage then return cmsgpack.pack({'OK', 0, false}) end
local work = key('work', stage)

-- Runs that a call renews, calls off or tells of their new address, which takes milliseconds.
local room = 50

-- What is left to do of a job's runs once some of them are done; nil for nothing.
local function runs_left(address, entry)
  local cursor, count = entry.disband or entry.renew or entry.readdress or '0', 0
  if room > 0 and entry.renew then
    cursor, count = renew(address, cursor, room, at)
  elseif room > 0 and entry.readdress then
    cursor, count = readdress(address, cursor, room)
    if not cursor then arrive(entry.was) end
  elseif room > 0 then
    local outcome = {reason = entry.why or 'the job has left its board', quiet = true}
    cursor, count = disband(address, cursor, room, outcome, entry.stop, at)
  end
  room = room - count
  if not cursor then return nil end
  if entry.renew then return {renew = cursor} end
  if entry.readdress then return {readdress = cursor, was = entry.was} end
  return {disband = cursor, why = entry.why, stop = entry.stop}
end

-- The cursor is kept between calls: starting anew after deletions would walk ever more empty places.
local cursor = redis.call('HGET', key('meta'), 'drain') or '0'
local page = redis.call('HSCAN', work, cursor, 'COUNT', arguments.limit)
local applied = 0
-- What moves takes its days along, each a key of its own: of such entries a call does a few, and a later one the rest.
local moves = 40
for i = 1, #page[2], 2 do
  local address, entry = page[2][i], cmsgpack.unpack(page[2][i + 1])
  local moving = entry.to or entry.from
  if moving then moves = moves - 1 end
  if not moving or moves >= 0 then
    if not entry.disband and not entry.readdress then apply(address, entry) end
    local left = (entry.gone or entry.disband or entry.renew or entry.readdress) and runs_left(address, entry)
    if left then
      redis.call('HSET', work, address, cmsgpack.pack(left))
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
