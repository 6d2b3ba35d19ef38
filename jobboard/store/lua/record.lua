#!lua
-- Notes where unchanged boards now come from (commit, digest), without a revision: nothing that runs moved.
-- KEYS      meta
-- ARGUMENTS boards=[{board, from, meta}, ...]
-- TOUCHES   boards HASH, boardmeta HASH
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
for _, change in ipairs(arguments.boards) do redis.call('HSET', key('boardmeta'), change[1], change[3]) end
return cmsgpack.pack({'OK'})
