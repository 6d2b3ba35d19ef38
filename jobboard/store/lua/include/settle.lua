-- @include key
-- @include apply
-- Applies what a committed sync left to do for one job, now, so that whoever is about to act on the job
-- acts on the definition that is in force. Nearly always there is nothing: one LRANGE of an empty list.
local function settle(address)
  for _, stage in ipairs(redis.call('LRANGE', key('work'), 0, -1)) do
    local packed = redis.call('HGET', key('work', stage), address)
    if packed then
      apply(address, cmsgpack.unpack(packed))
      redis.call('HDEL', key('work', stage), address)
    end
  end
end
