-- @include key
-- Takes the best runs out of some queues, `wanted` at most and from none more than its room; answers their
-- ids, best first. rooms = {queue = number, ...}, without an entry as many as there are. order is 'priority' for
-- the best of all queues, 'strict' for one queue after the other as they are named, 'round-robin' for one of each
-- in turn, beginning behind the queue that `turn` counts to.
-- TOUCHES   queue:<queue> ZSET
local function pick(queues, rooms, wanted, order, turn)
  local count = #queues
  local heads, next_at, picked, from = {}, {}, {}, {}
  for i, queue in ipairs(queues) do
    local most = math.min(rooms[queue] or wanted, wanted)
    heads[i] = most > 0 and redis.call('ZRANGE', key('queue', queue), 0, most - 1, 'WITHSCORES') or {}
    next_at[i], from[i] = 1, {}
  end
  while #picked < wanted do
    local best, best_score = nil, nil
    for step = 1, count do
      local i = order == 'round-robin' and (turn + #picked + step - 1) % count + 1 or step
      local score = tonumber(heads[i][next_at[i] + 1])
      if score and (not best or order == 'priority' and score < best_score) then best, best_score = i, score end
    end
    if not best then break end
    local id = heads[best][next_at[best]]
    next_at[best] = next_at[best] + 2
    picked[#picked + 1] = id
    from[best][#from[best] + 1] = id
  end
  for i, queue in ipairs(queues) do
    if #from[i] > 0 then redis.call('ZREM', key('queue', queue), unpack(from[i])) end
  end
  return picked
end
