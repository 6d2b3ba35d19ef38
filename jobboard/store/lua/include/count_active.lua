-- @include key
-- @include read_run
-- @include wake
-- Goes on counting the runs of a queue that ran when it was given a limit: some hundreds a call, and nothing more is let
-- go meanwhile. Answers whether all are counted.
-- rule.counting = {where to go on among the workers or false, [worker, ...], where to go on in what the first one holds}
-- TOUCHES   active:<queue> SET, holding:<worker> SET, limits HASH, workers ZSET
local function count_active(queue, rule)
  local onward, names, inside = unpack(rule.counting)
  local room = 300
  while room > 0 and (onward or #names > 0) do
    if #names == 0 then
      local page = redis.call('ZSCAN', key('workers'), onward, 'COUNT', 16)
      for i = 1, #page[2], 2 do names[#names + 1] = page[2][i] end
      onward = page[1] ~= '0' and page[1]
    else
      local page = redis.call('SSCAN', key('holding', names[1]), inside, 'COUNT', math.min(room, 100))
      for _, id in ipairs(page[2]) do
        local run = read_run(id)
        if run and run.queue == queue then redis.call('SADD', key('active', queue), id) end
      end
      room, inside = room - #page[2] - 1, page[1]
      if inside == '0' then table.remove(names, 1) end
    end
  end
  local counted = not onward and #names == 0
  if counted then rule.counting = nil else rule.counting = {onward, names, inside} end
  redis.call('HSET', key('limits'), queue, cmsgpack.pack(rule))
  wake(queue)
  return counted
end
