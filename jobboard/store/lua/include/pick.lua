-- @include key
-- Takes the best ranked runs out of some queues, `wanted` at most; answers their ids, best first.
local function pick(queues, wanted)
  local heads, at, picked, from = {}, {}, {}, {}
  for i, queue in ipairs(queues) do
    heads[i] = redis.call('ZRANGE', key('queue', queue), 0, wanted - 1, 'WITHSCORES')
    at[i], from[i] = 1, {}
  end
  while #picked < wanted do
    local best, best_score = nil, nil
    for i, head in ipairs(heads) do
      local score = tonumber(head[at[i] + 1])
      if score and (not best or score < best_score) then best, best_score = i, score end
    end
    if not best then break end
    local id = heads[best][at[best]]
    at[best] = at[best] + 2
    picked[#picked + 1] = id
    from[best][#from[best] + 1] = id
  end
  for i, queue in ipairs(queues) do
    if #from[i] > 0 then redis.call('ZREM', key('queue', queue), unpack(from[i])) end
  end
  return picked
end
