-- @include key
-- @include apply
-- Applies what a committed sync left to do for one job, now, so that whoever is about to act on the job
-- acts on the definition that is in force. Nearly always there is nothing: one LRANGE of an empty list.
-- The entry of a job that is gone stays for `drain`, which also takes its runs out of their queues.
local function settle(address)
  for _, stage in ipairs(redis.call('LRANGE', key('work'), 0, -1)) do
    local packed = redis.call('HGET', key('work', stage), address)
    if packed then
      local entry = cmsgpack.unpack(packed)
      apply(address, entry)
      if not entry.gone then redis.call('HDEL', key('work', stage), address) end
    end
  end
end
