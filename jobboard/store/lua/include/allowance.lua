-- @include key
-- @include count_active
-- How many runs each of some queues may let go now, by its limits and by who has paused it: {queue = number,
-- ...}, without an entry as many as there are. Nearly always there is nothing to look up further. A hold on a queue
-- is one on the queues of runners beside it, too.
-- TOUCHES   active:<queue> SET, holds HASH, limits HASH, pace HASH
local function allowance(queues, at)
  if redis.call('EXISTS', key('limits'), key('holds')) == 0 then return {}, {} end
  local scopes, above = {}, {}
  for i, queue in ipairs(queues) do scopes[i] = 'queue:' .. queue end
  for i, queue in ipairs(queues) do
    local plain = string.match(queue, '^(.*):')
    if plain then
      above[i] = #scopes + 1
      scopes[above[i]] = 'queue:' .. plain
    end
  end
  local limits = redis.call('HMGET', key('limits'), unpack(queues))
  local holds = redis.call('HMGET', key('holds'), unpack(scopes))
  local rooms, rules = {}, {}
  local function paused(packed)
    for _, hold in ipairs(packed and cmsgpack.unpack(packed) or {}) do
      if hold.at <= at and (not hold['until'] or at < hold['until']) then return true end
    end
    return false
  end
  for i, queue in ipairs(queues) do
    local rule = limits[i] and cmsgpack.unpack(limits[i])
    rules[queue] = rule or nil
    if rule and rule.counting and not count_active(queue, rule) then
      rooms[queue] = 0
    elseif rule and rule.limit then
      rooms[queue] = math.max(0, rule.limit - redis.call('SCARD', key('active', queue)))
    end
    if rule and rule.rate then
      local used_to = math.max(at, tonumber(redis.call('HGET', key('pace'), queue) or 0))
      local left = math.floor((at + rule.span_ms - used_to) * rule.rate / rule.span_ms + 0.000001)
      rooms[queue] = math.min(rooms[queue] or left, math.max(0, left))
    end
    if paused(holds[i]) or above[i] and paused(holds[above[i]]) then rooms[queue] = 0 end
  end
  return rooms, rules
end
