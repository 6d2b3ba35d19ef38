#!lua flags=allow-oom
-- Looks at what is kept of runs that are over: output, marks, tags and counts, each with something that drops it.
-- Says, of each subject of one family, what does not hold together; mends it when told to. Looking and mending are
-- one step, so what was merely on its way is never taken for broken.
-- KEYS      meta
-- ARGUMENTS family=string name=string subjects=list repair=bool
-- TOUCHES   aging ZSET, bytag:<tag> LIST, day:<day> HASH, jobday:<day> HASH, kept:<job> ZSET, marked HASH,
--           minute:<minute> HASH, out:<run> STREAM, outbytes HASH, outputs ZSET, run:<run> HASH, tagged ZSET,
--           tagsused ZSET, tracked ZSET
-- RETURNS   "OK" {[subject, words], ...}
-- @include guard
-- @include arguments
-- @include read_run
-- @include made
-- @include broken
local refused = guard()
if refused then return refused end
local look = {}

function look.out(id)
  if redis.call('ZSCORE', key('outputs'), id) then return end
  if broken(id, 'has output that nothing would ever drop') then
    redis.call('UNLINK', key('out', id))
    redis.call('HDEL', key('outbytes'), id)
  end
end

function look.aging(id)
  if redis.call('ZSCORE', key('outputs'), id) and redis.call('EXISTS', key('run', id)) == 0 then return end
  if broken(id, 'has no output that could grow old') then redis.call('ZREM', key('aging'), id) end
end

function look.kept(id)
  if redis.call('ZSCORE', key('outputs'), id) and redis.call('EXISTS', key('run', id)) == 0 then return end
  if broken(id, 'is counted among runs whose output is kept, and is none') then
    redis.call('ZREM', key('kept', arguments.name), id)
  end
end

-- Marks: of a live run in its launch record, of one that is over beside its record, which is kept for them.
function look.tracked(id)
  if redis.call('HEXISTS', key('marked'), id) == 1 then return end
  local run = read_run(id)
  if run and run.launch.tracked or not broken(id, run and 'is tracked and does not know it' or 'is tracked and is no run') then
    return
  end
  if run then
    run.launch.tracked = 1
    redis.call('HSET', key('run', id), 'made', made(run))
  else
    redis.call('ZREM', key('tracked'), id)
  end
end

function look.tagged(id)
  if redis.call('HEXISTS', key('marked'), id) == 0 and broken(id, 'has tags of its own, which are not kept') then
    redis.call('ZREM', key('tagged'), id)
  end
end

function look.marked(id)
  local wanted = redis.call('ZSCORE', key('tracked'), id) or redis.call('ZSCORE', key('tagged'), id)
  if wanted and not read_run(id) then return end
  if broken(id, wanted and 'is over, as is kept, and is not' or 'has a record kept that nobody marked') then
    redis.call('HDEL', key('marked'), id)
  end
end

function look.bytag(tag)
  if not redis.call('ZSCORE', key('tagsused'), tag) and broken(tag, 'has runs that nothing would ever forget') then
    redis.call('UNLINK', key('bytag', tag))
  end
end

function look.tagsused(tag)
  if redis.call('EXISTS', key('bytag', tag)) == 0 and broken(tag, 'is a tag of runs, and none are known') then
    redis.call('ZREM', key('tagsused'), tag)
  end
end

-- What was counted of a stretch of time has to drop itself.
local function endless(hash, stretch, days)
  if redis.call('TTL', hash) == -1 and broken(stretch, 'has counts that nothing would ever drop') then
    redis.call('EXPIRE', hash, days * 86400)
  end
end

function look.minute(minute) endless(key('minute', minute), minute, 2) end
function look.day(day) endless(key('day', day), day, 400) end
function look.jobday(day) endless(key('jobday', day), day, 30) end

for _, subject in ipairs(arguments.subjects) do look[arguments.family](subject) end
return cmsgpack.pack({'OK', problems})
