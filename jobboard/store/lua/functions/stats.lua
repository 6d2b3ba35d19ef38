#!lua flags=no-writes
-- Tells what ended in each queue, of at most 500, on one UTC day: that of an instant, or today. Spans are in
-- milliseconds.
-- TAKES  at=instant queue=text
-- GIVES  queues: by queue states, retries, and of how long runs ran and waited count, mean, deviation, max
-- @include key
-- @include now
local function spans(kept)
  local count, total, squares = unpack(kept or {0, 0, 0})
  if count == 0 then return {count = 0, mean = cjson.null, deviation = cjson.null, max = cjson.null} end
  local mean = total / count
  return {count = count, mean = math.floor(mean + 0.5), max = kept[4],
    deviation = math.floor(math.sqrt(math.max(0, squares / count - mean * mean)) + 0.5)}
end
local hash = key('day', math.floor((said.at and instant_ms('at', said.at) or now()) / 86400000))
local queues = {}
for _, queue in ipairs(said.queue and {said.queue} or redis.call('HRANDFIELD', hash, 500)) do
  local packed = redis.call('HGET', hash, queue)
  if packed then
    local counted = cmsgpack.unpack(packed)
    queues[queue] = {states = counted.s, retries = counted.r or 0, ran = spans(counted.d), waited = spans(counted.w)}
  end
end
return {queues = queues}
