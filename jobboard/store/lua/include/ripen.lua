-- @include key
-- @include read_run
-- Puts runs of a queue that have waited for as long as its aging says among those of the highest priority, the
-- oldest first, at most so many: so nothing waits for ever behind better ones. Their own score stays what it is.
-- Among runs of one priority those at the front are the oldest, so that of each a few are looked at. Where there are
-- more priorities than can be looked at in one call, each call begins elsewhere.
-- TOUCHES   queue:<queue> ZSET
local function ripen(queue, aging_ms, most, at)
  local BAND, IN_VAIN, LOOKED_AT = 1099511627776, 4, 200
  local line, ripe, looked = key('queue', queue), {}, 0
  local function look_through(low, high)
    while looked < LOOKED_AT do
      local head = redis.call('ZRANGEBYSCORE', line, low, string.format('(%.0f', high), 'WITHSCORES', 'LIMIT', 0, 1)
      if not head[1] then return end
      local band = math.floor(tonumber(head[2]) / BAND) * BAND
      local first = redis.call('ZRANGEBYSCORE', line, band, string.format('(%.0f', band + BAND), 'WITHSCORES',
        'LIMIT', 0, math.min(most + IN_VAIN, LOOKED_AT - looked))
      local in_vain = 0
      for i = 1, #first, 2 do
        local run = read_run(first[i])
        looked = looked + 1
        if run and at - math.max(run.queued_at, run.due_at) >= aging_ms then
          ripe[#ripe + 1] = {tonumber(first[i + 1]) - band, first[i]}
        else
          in_vain = in_vain + 1
          if in_vain == IN_VAIN then break end
        end
      end
      low = string.format('%.0f', band + BAND)
    end
  end
  -- Behind the highest priority, whose runs come first as it is.
  local begin = BAND * (1 + at % 2000)
  look_through(string.format('%.0f', begin), BAND * 2001)
  look_through(string.format('%.0f', BAND), begin)
  table.sort(ripe, function(a, b) return a[1] < b[1] end)
  for i = 1, math.min(#ripe, most) do redis.call('ZADD', line, 'XX', ripe[i][1], ripe[i][2]) end
end
