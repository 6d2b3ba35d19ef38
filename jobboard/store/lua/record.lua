#!lua
-- Notes where unchanged boards now come from (commit, digest), without a revision: nothing that runs moved.
-- KEYS      meta
-- ARGUMENTS boards=[{board, from, meta, drift}, ...]
-- TOUCHES   boardmeta HASH, boards HASH, drift HASH, edits HASH
-- RETURNS   "OK" | "STALE" {boards}
-- @include guard
-- @include arguments
local refused = guard()
if refused then return refused end
local stale = {}
for _, change in ipairs(arguments.boards) do
  if redis.call('HGET', key('boards'), change[1]) ~= change[2] then stale[#stale + 1] = change[1] end
end
if #stale > 0 then return cmsgpack.pack({'STALE', stale}) end
for _, change in ipairs(arguments.boards) do
  redis.call('HSET', key('boardmeta'), change[1], change[3])
  local drifted = {}
  for _, job in ipairs(change[4]) do drifted[job] = true end
  for _, job in ipairs(cmsgpack.unpack(redis.call('HGET', key('drift'), change[1]) or cmsgpack.pack({}))) do
    if not drifted[job] then redis.call('HDEL', key('edits'), change[1] .. '/' .. job) end
  end
  if #change[4] > 0 then
    redis.call('HSET', key('drift'), change[1], cmsgpack.pack(change[4]))
  elseif redis.call('HEXISTS', key('drift'), change[1]) == 1 then
    redis.call('HDEL', key('drift'), change[1])
  end
end
return cmsgpack.pack({'OK'})
