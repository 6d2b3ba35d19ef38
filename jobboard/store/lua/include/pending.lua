-- @include key
-- Whether a committed sync has still to set a job's schedule entry: what is known of the job is not looked at before.
-- TOUCHES   work LIST, work:<stage> HASH
local function pending(address)
  for _, stage in ipairs(redis.call('LRANGE', key('work'), 0, -1)) do
    if redis.call('HEXISTS', key('work', stage), address) == 1 then return true end
  end
  return false
end
