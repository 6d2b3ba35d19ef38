-- @include key
-- @include remind
-- Writes down what a run waits for before it starts, and until when.
-- asks = [{parent, low, high, left, open, on, strict, timeout, until, policy, shown}, ...]
-- TOUCHES   gate:<run> HASH, gates ZSET
local function gate(id, asks, at)
  local first = nil
  for _, ask in ipairs(asks) do
    if ask.timeout then ask['until'] = at + ask.timeout end
    if ask['until'] then first = math.min(first or ask['until'], ask['until']) end
    redis.call('HSET', key('gate', id), ask.parent, cmsgpack.pack(ask))
  end
  if first then remind(key('gates'), id, first) end
end
