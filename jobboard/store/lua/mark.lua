#!lua flags=allow-oom
-- Gives a run tags, takes some from it, or has it tracked; a live one and one that is over alike. Of one that is over
-- its record is kept apart with what it is marked with: while it is tracked, and of those that are tagged only the
-- last thousand. A repeat of the call changes nothing more.
-- KEYS      meta
-- ARGUMENTS run=string job=string record=string add=list remove=list tracked=string by=map
-- TOUCHES   marked HASH, last:<job> LIST, outputs ZSET, run:<run> HASH, tagged ZSET, tracked ZSET
-- RETURNS   "OK" {[tag, ...], tracked} | "UNKNOWN" | "FULL" {most}
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include made
-- @include event
-- @include audit
local refused = guard()
if refused then return refused end
local MOST_TRACKED, MOST_TAGGED, MOST_TAGS = 1000, 1000, 100
local ENDLESS = 9007199254740991
local id, at = arguments.run, now()

local function newest_record()
  local kept = redis.call('HGET', key('marked'), id)
  if kept then return cmsgpack.unpack(kept) end
  for _, packed in ipairs(redis.call('LRANGE', key('last', arguments.job), 0, 19)) do
    local record = cmsgpack.unpack(packed)
    if record.id == id then return record end
  end
  return arguments.record and cmsgpack.unpack(arguments.record)
end

-- The tags there are then, in order, and whether they are others than before.
local function changed(tags)
  local wanted, sorted, differ = {}, {}, false
  for _, tag in ipairs(tags or {}) do wanted[tag] = 'was' end
  for _, tag in ipairs(arguments.remove) do
    differ = differ or wanted[tag] ~= nil
    wanted[tag] = nil
  end
  for _, tag in ipairs(arguments.add) do
    differ = differ or wanted[tag] == nil
    wanted[tag] = 'is'
  end
  for tag in pairs(wanted) do sorted[#sorted + 1] = tag end
  table.sort(sorted)
  return sorted, differ
end

local run = read_run(id)
local record = not run and newest_record()
if not run and not record then return cmsgpack.pack({'UNKNOWN'}) end
local tags, differ = changed(run and run.launch.g or record and record.tags)
if #tags > MOST_TAGS then return cmsgpack.pack({'FULL', MOST_TAGS}) end
local before = redis.call('ZSCORE', key('tracked'), id) and true or false
local tracked = arguments.tracked == 'yes' or arguments.tracked == '' and before
if tracked and not before and redis.call('ZCARD', key('tracked')) >= MOST_TRACKED then
  return cmsgpack.pack({'FULL', MOST_TRACKED})
end

if tracked ~= before then
  if tracked then redis.call('ZADD', key('tracked'), at, id) else redis.call('ZREM', key('tracked'), id) end
end
if run and (differ or tracked ~= before) then
  run.launch.g = #tags > 0 and tags or nil
  run.launch.tagged = run.launch.tagged or differ and 1 or nil
  run.launch.tracked = tracked and 1 or nil
  redis.call('HSET', key('run', id), 'made', made(run))
elseif differ or tracked ~= before then
  record.tags = #tags > 0 and tags or nil
  record.tagged = record.tagged or differ and 1 or nil
  if differ then redis.call('ZADD', key('tagged'), at, id) end
  if tracked or redis.call('ZSCORE', key('tagged'), id) then
    redis.call('HSET', key('marked'), id, cmsgpack.pack(record))
  else
    redis.call('HDEL', key('marked'), id)
  end
  local ordinary = record.state == 'ok' and at or at + 1209600000
  if tracked ~= before then redis.call('ZADD', key('outputs'), 'XX', tracked and ENDLESS or ordinary, id) end
  for _, old in ipairs(redis.call('ZRANGE', key('tagged'), 0, -1 - MOST_TAGGED)) do
    redis.call('ZREM', key('tagged'), old)
    if not redis.call('ZSCORE', key('tracked'), old) then redis.call('HDEL', key('marked'), old) end
  end
end
local job = run and run.job or record.job
if differ then
  event('tagged', job, id, at, 'tags', table.concat(tags, ','), 'by', arguments.by.actor)
  audit('tag', id, arguments.by, {add = arguments.add, remove = arguments.remove})
end
if tracked ~= before then
  event(tracked and 'tracked' or 'untracked', job, id, at, 'by', arguments.by.actor)
  audit(tracked and 'track' or 'untrack', id, arguments.by)
end
return cmsgpack.pack({'OK', tags, tracked})
