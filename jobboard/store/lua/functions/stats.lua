#!lua flags=no-writes
-- Tells what ended in each queue, of at most 500, on one UTC day: that of an instant, or today. Spans are in
-- milliseconds.
-- TAKES  at=instant queue=text
-- GIVES  queues: by queue states, retries, and of how long runs ran and waited count, mean, deviation, max
-- @include key
-- @include now
-- @include tally
-- @include uncounted
local function spans(kept)
  local count, total, squares = unpack(kept or {0, 0, 0})
  if count == 0 then return {count = 0, mean = cjson.null, deviation = cjson.null, max = cjson.null} end
  local mean = total / count
  return {count = count, mean = math.floor(mean + 0.5), max = kept[4],
    deviation = math.floor(math.sqrt(math.max(0, squares / count - mean * mean)) + 0.5)}
end
local day = math.floor((said.at and instant_ms('at', said.at) or now()) / 86400000)
local hash, queues, ends = key('day', day), {}, {}
for _, batch in ipairs(uncounted()) do
  for _, one in ipairs(math.floor(batch[1] / 86400000) == day and batch[2] or {}) do
    if one[2] then
      ends[one[2]] = ends[one[2]] or {}
      table.insert(ends[one[2]], one[3])
    end
  end
end
local names = said.queue and {said.queue} or redis.call('HRANDFIELD', hash, 500)
for queue in pairs(said.queue and {} or ends) do names[#names + 1] = queue end
for _, queue in ipairs(names) do
  local packed = redis.call('HGET', hash, queue)
  if (packed or ends[queue]) and not queues[queue] then
    local counted = packed and cmsgpack.unpack(packed) or {s = {}}
    for _, seen in ipairs(ends[queue] or {}) do tally(counted, seen) end
    queues[queue] = {states = counted.s, retries = counted.r or 0, ran = spans(counted.d), waited = spans(counted.w)}
  end
end
return {queues = queues}
