-- @include key
-- @include apply
-- Applies what a committed sync left to do for one job, now, so that whoever is about to act on the job
-- acts on the definition that is in force. Nearly always there is nothing: one look a call at an empty list.
-- The entry of a job that is gone stays for `drain`, which also takes its runs out of their queues; of one whose
-- runs are to take the new definition, or its new address, there stays that they are.
-- TOUCHES   work LIST, work:<stage> HASH
local stages_left = nil
local function settle(address)
  stages_left = stages_left or redis.call('LRANGE', key('work'), 0, -1)
  for _, stage in ipairs(stages_left) do
    local packed = redis.call('HGET', key('work', stage), address)
    local entry = packed and cmsgpack.unpack(packed)
    if entry and not entry.disband and not entry.readdress then
      apply(address, entry)
      if entry.renew then
        redis.call('HSET', key('work', stage), address, cmsgpack.pack({renew = entry.renew}))
      elseif not entry.gone then
        redis.call('HDEL', key('work', stage), address)
      end
    end
  end
end
