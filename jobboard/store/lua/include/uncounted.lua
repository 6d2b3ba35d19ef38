-- @include key
-- The ends that were written down and not counted yet: [[at, [[job, queue or false, seen as in `count`], ...]], ...].
-- TOUCHES   uncounted LIST
local function uncounted()
  local batches = redis.call('LRANGE', key('uncounted'), 0, -1)
  for i, packed in ipairs(batches) do batches[i] = cmsgpack.unpack(packed) end
  return batches
end
