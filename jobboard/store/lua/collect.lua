#!lua flags=allow-oom
-- Throws away what nobody can reach: versions replaced over ten minutes ago and stages their sync left; and the
-- tombstones of jobs gone for over ninety days, or beyond the newest ten thousand. That of a job removed by hand
-- stays as long as its board declares it: by it a sync knows that the job is to stay away.
-- KEYS      meta
-- ARGUMENTS
-- TOUCHES   buried ZSET, changes:<stage> HASH, defs:<version> HASH, drift HASH, retired ZSET,
--           staged:<stage> SET, stages ZSET, tombstones HASH, work:<stage> HASH
-- RETURNS   "OK" {versions, stages, tombstones, more}
-- @include guard
-- @include now
local refused = guard()
if refused then return refused end
local KEEP_MS, LIMIT, PAGE = 600000, 20, 200
local STONES_MS, STONES = 7776000000, 10000
local at = now()
local before = at - KEEP_MS
local stages = redis.call('ZRANGEBYSCORE', key('stages'), '-inf', before, 'LIMIT', 0, LIMIT)
for _, stage in ipairs(stages) do
  -- What it has written may be of very many boards: it goes as what was replaced does, a page a call.
  redis.call('ZUNIONSTORE', key('retired'), 2, key('retired'), key('staged', stage), 'WEIGHTS', 1, 0)
  redis.call('UNLINK', key('staged', stage), key('work', stage), key('changes', stage))
  redis.call('ZREM', key('stages'), stage)
end

local versions = redis.call('ZRANGEBYSCORE', key('retired'), '-inf', before, 'LIMIT', 0, PAGE)
for _, version in ipairs(versions) do
  redis.call('UNLINK', key('defs', version))
  redis.call('ZREM', key('retired'), version)
end

local drifted = {}
local function stays_away(address)
  local board, job = string.match(address, '^([^/]+)/(.+)$')
  if not drifted[board] then
    drifted[board] = {}
    local packed = redis.call('HGET', key('drift'), board)
    for _, name in ipairs(packed and cmsgpack.unpack(packed) or {}) do drifted[board][name] = true end
  end
  return drifted[board][job]
end
local surplus = math.min(redis.call('ZCARD', key('buried')) - STONES, PAGE)
local stones = surplus > 0 and redis.call('ZRANGE', key('buried'), 0, surplus - 1)
  or redis.call('ZRANGEBYSCORE', key('buried'), '-inf', at - STONES_MS, 'LIMIT', 0, PAGE)
local dropped = 0
for _, address in ipairs(stones) do
  if stays_away(address) then
    redis.call('ZADD', key('buried'), at, address)
  else
    redis.call('HDEL', key('tombstones'), address)
    redis.call('ZREM', key('buried'), address)
    dropped = dropped + 1
  end
end
local more = #versions == PAGE or #stages == LIMIT or dropped > 0 and #stones == PAGE
return cmsgpack.pack({'OK', #versions, #stages, dropped, more})
