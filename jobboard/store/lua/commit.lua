#!lua flags=allow-oom
-- Makes a stage the truth, for all its boards or for none: every board must still be at the version the
-- plan was made from. Numbers the revision and leaves the schedule entries as durable work for `drain`.
-- It runs when memory is full, so that a sync whose pages fitted is never left between.
-- KEYS      meta
-- ARGUMENTS stage=int number=int boards=[{board, from, version, meta, drift}, ...] revision=map by=map kept=int sync=string|false
-- TOUCHES   boardmeta HASH, boards HASH, changed ZSET, changes:<stage> HASH, committed ZSET, drift HASH,
--           meta HASH, quiet ZSET, retired ZSET, revisions HASH, staged:<stage> SET, stages ZSET,
--           wake:<who> LIST, work LIST, work:<stage> HASH
-- RETURNS   "OK" {revision, now} | "GONE" | "BUSY" | "STALE" {boards}
-- @include guard
-- @include arguments
-- @include now
-- @include audit
local refused = guard()
if refused then return refused end
local KEPT_REVISIONS = 10000
local stage = arguments.stage
local done = redis.call('ZSCORE', key('committed'), stage)
if done then return cmsgpack.pack({'OK', tonumber(done), now()}) end
if not redis.call('ZSCORE', key('stages'), stage) then return cmsgpack.pack({'GONE'}) end
if redis.call('LLEN', key('work')) > 0 then return cmsgpack.pack({'BUSY'}) end
local stale = {}
for _, change in ipairs(arguments.boards) do
  if redis.call('HGET', key('boards'), change[1]) ~= change[2] then stale[#stale + 1] = change[1] end
end
-- The staged definitions carry the number of this revision, so it has to be the next one.
local revision = (redis.call('HGET', key('meta'), 'revision') or 0) + 1
if #stale > 0 or revision ~= arguments.number then return cmsgpack.pack({'STALE', stale}) end

local at = now()
redis.call('HSET', key('meta'), 'revision', revision)
for _, change in ipairs(arguments.boards) do
  local board, from, version, meta, drift = unpack(change)
  if from then redis.call('ZADD', key('retired'), at, (string.match(from, '^(.*)%.%d+$'))) end
  if version then
    redis.call('HSET', key('boards'), board, version .. '.0')
    redis.call('HSET', key('boardmeta'), board, meta)
  else
    redis.call('HDEL', key('boards'), board)
    redis.call('HDEL', key('boardmeta'), board)
  end
  if drift and #drift > 0 then
    redis.call('HSET', key('drift'), board, cmsgpack.pack(drift))
  else
    redis.call('HDEL', key('drift'), board)
  end
end
arguments.revision.revision = revision
arguments.revision.at = at
arguments.revision.by = arguments.by
arguments.revision.stage = stage
redis.call('HSET', key('revisions'), revision, cmsgpack.pack(arguments.revision))
redis.call('HDEL', key('revisions'), revision - KEPT_REVISIONS)
if redis.call('EXISTS', key('changes', stage)) == 1 then
  redis.call('ZADD', key('changed'), revision, stage)
  for _, old in ipairs(redis.call('ZRANGE', key('changed'), 0, 9)) do
    if redis.call('ZCARD', key('changed')) <= arguments.kept then break end
    redis.call('UNLINK', key('changes', old))
    redis.call('ZREM', key('changed'), old)
  end
end
if arguments.sync then redis.call('ZREM', key('quiet'), arguments.sync) end
redis.call('ZREM', key('stages'), stage)
redis.call('UNLINK', key('staged', stage))
redis.call('ZADD', key('committed'), revision, stage)
redis.call('ZREMRANGEBYRANK', key('committed'), 0, -1001)
if redis.call('EXISTS', key('work', stage)) == 1 then redis.call('RPUSH', key('work'), stage) end
audit('sync', 'revision ' .. revision, arguments.by, arguments.revision)
redis.call('LPUSH', key('wake', 'scheduler'), 'commit')
redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
return cmsgpack.pack({'OK', revision, at})
