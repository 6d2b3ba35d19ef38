#!lua flags=allow-oom
-- Throws away what nobody can reach: versions replaced over ten minutes ago and stages their sync left.
-- KEYS      meta
-- ARGUMENTS
-- TOUCHES   retired ZSET, stages ZSET, staged:<stage> SET, work:<stage> HASH, changes:<stage> HASH, defs:<version> HASH
-- RETURNS   "OK" {versions, stages}
-- @include guard
-- @include now
local refused = guard()
if refused then return refused end
local KEEP_MS, LIMIT = 600000, 20
local before = now() - KEEP_MS
local versions = redis.call('ZRANGEBYSCORE', key('retired'), '-inf', before, 'LIMIT', 0, LIMIT)
for _, version in ipairs(versions) do
  redis.call('UNLINK', key('defs', version))
  redis.call('ZREM', key('retired'), version)
end
local stages = redis.call('ZRANGEBYSCORE', key('stages'), '-inf', before, 'LIMIT', 0, LIMIT)
for _, stage in ipairs(stages) do
  for _, version in ipairs(redis.call('SMEMBERS', key('staged', stage))) do redis.call('UNLINK', key('defs', version)) end
  redis.call('UNLINK', key('staged', stage), key('work', stage), key('changes', stage))
  redis.call('ZREM', key('stages'), stage)
end
return cmsgpack.pack({'OK', #versions, #stages})
