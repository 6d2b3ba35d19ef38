-- @include key
-- @include index_gate
-- @include remind
-- Writes down what a run of a job waits for before it starts, and until when. Each remembers how far the namespace had
-- come when it was made: what is told later of what ended before, it knows already.
-- asks = [{parent, low, high, left, open, on, strict, timeout, until, policy, shown}, ...]
-- TOUCHES   gate:<run> HASH, gates ZSET, meta HASH
local function gate(id, job, asks, at)
  local first, since = nil, tonumber(redis.call('HGET', key('meta'), 'seq') or 0)
  for _, ask in ipairs(asks) do
    if ask.timeout then ask['until'] = at + ask.timeout end
    if ask['until'] then first = math.min(first or ask['until'], ask['until']) end
    ask.since = since
    redis.call('HSET', key('gate', id), ask.parent, cmsgpack.pack(ask))
    index_gate(job, id, ask.parent, ask)
  end
  if first then remind(key('gates'), id, first) end
end
