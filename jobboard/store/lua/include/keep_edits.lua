-- @include key
-- Forgets who edited what of a job, but for the paths in which it still differs from what its file said last.
-- TOUCHES   edits HASH
local function keep_edits(address, paths)
  local packed = redis.call('HGET', key('edits'), address)
  if not packed then return end
  local made, kept = cmsgpack.unpack(packed), {}
  for _, path in ipairs(paths) do kept[path] = made[path] end
  if next(kept) then
    redis.call('HSET', key('edits'), address, cmsgpack.pack(kept))
  else
    redis.call('HDEL', key('edits'), address)
  end
end
