-- @include key
-- The ends that were written down and not counted yet: [[at, [[job, queue or false, seen as in `count`], ...]], ...].
-- What cannot be read is left out: no run is to be kept from ending by what is counted of another.
-- TOUCHES   uncounted LIST
local function uncounted()
  local batches = {}
  for _, packed in ipairs(redis.call('LRANGE', key('uncounted'), 0, -1)) do
    local legible, batch = pcall(cmsgpack.unpack, packed)
    if legible and type(batch) == 'table' then batches[#batches + 1] = batch end
  end
  return batches
end
