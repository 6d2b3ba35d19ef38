#!lua flags=allow-oom
-- Looks at what syncs and edits by hand leave beside the jobs: what differs from its file, what is gone, stages,
-- changes, and runs that are still to be told of a new address. Says, of each subject of one family, what does not hold
-- together; mends it when told to. Looking and mending are one step, so what was merely on its way is never taken for
-- broken.
-- KEYS      meta
-- ARGUMENTS family=string subjects=list repair=bool
-- TOUCHES   buried ZSET, changed ZSET, changes:<stage> HASH, drift HASH, edits HASH, meta HASH, moving HASH,
--           stages ZSET, tombstones HASH, work LIST, work:<stage> HASH
-- RETURNS   "OK" {[subject, words], ...}
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include pending
-- @include broken
local refused = guard()
if refused then return refused end
local at = now()
local look = {}

function look.edits(address)
  if pending(address) then return end
  local board, job = string.match(address, '^([^/]+)/(.+)$')
  for _, name in ipairs(cmsgpack.unpack(redis.call('HGET', key('drift'), board) or cmsgpack.pack({}))) do
    if name == job then return end
  end
  if broken(address, 'was edited live and does not differ from its file') then
    redis.call('HDEL', key('edits'), address)
  end
end

function look.tombstones(address)
  local stone = redis.call('HEXISTS', key('tombstones'), address) == 1
  local buried = redis.call('ZSCORE', key('buried'), address)
  if stone and not buried and broken(address, 'is gone, and would be remembered for ever') then
    redis.call('ZADD', key('buried'), at, address)
  elseif buried and not stone and broken(address, 'is listed as gone, and nothing is known of it') then
    redis.call('ZREM', key('buried'), address)
  end
end

-- A job that differs from what was applied last is there, or has been removed by hand.
function look.drift(board)
  local kept = {}
  local packed = redis.call('HGET', key('drift'), board)
  for _, job in ipairs(packed and cmsgpack.unpack(packed) or {}) do
    local address = board .. '/' .. job
    local known = definition(address) or redis.call('HEXISTS', key('tombstones'), address) == 1 or pending(address)
    if known or not broken(address, 'is drift of its board, and is no job nor was one') then kept[#kept + 1] = job end
  end
  if not arguments.repair or not packed then return end
  if #kept > 0 then
    redis.call('HSET', key('drift'), board, cmsgpack.pack(kept))
  else
    redis.call('HDEL', key('drift'), board)
  end
end

-- Runs that have still to be told of their job's new address are told by what a sync left to do.
function look.moving(was)
  local address = redis.call('HGET', key('moving'), was)
  if not address or pending(address) or not broken(was, 'is where runs of ' .. address .. ' were made, and nobody tells them') then
    return
  end
  local stage = redis.call('HINCRBY', key('meta'), 'seq', 1)
  redis.call('HSET', key('meta'), 'moving', 1)
  redis.call('HSET', key('work', stage), address, cmsgpack.pack({readdress = '0', was = was}))
  redis.call('RPUSH', key('work'), stage)
end

function look.stages(stage)
  local opened_at = tonumber(redis.call('ZSCORE', key('stages'), stage) or nil)
  if opened_at and opened_at <= at - 600000 then broken(stage, 'is a stage its sync has left') end
end

function look.changes(stage)
  if redis.call('ZSCORE', key('changed'), stage) or redis.call('ZSCORE', key('stages'), stage) then return end
  if broken(stage, 'has changes that no revision made') then redis.call('UNLINK', key('changes', stage)) end
end

for _, subject in ipairs(arguments.subjects) do look[arguments.family](subject) end
return cmsgpack.pack({'OK', problems})
