-- Adds one end to what is counted of a stretch of time, in tallies for `write_counts` to write: how many ended how (s), how
-- often they were tried again (r), how long they ran (d) and waited (w). Such spans are [count, sum, sum of
-- squares, longest, histogram]; a histogram's buckets are four to a doubling, 0 is what took no millisecond.
-- seen = {state, count, retries, ran_ms, waited_ms}
local function tally(tallies, hash, field, kept_s, seen)
  local fields = tallies[hash]
  if not fields then
    fields = {kept_s = kept_s, counted = {}}
    tallies[hash] = fields
  end
  local counted = fields.counted[field]
  if not counted then
    local packed = redis.call('HGET', hash, field)
    counted = packed and cmsgpack.unpack(packed) or {s = {}}
    fields.counted[field] = counted
  end
  local states = counted.s
  states[seen.state] = (states[seen.state] or 0) + (seen.count or 1)
  if seen.retries then counted.r = (counted.r or 0) + seen.retries end
  for name, ms in pairs({d = seen.ran_ms, w = seen.waited_ms}) do
    local spans = counted[name] or {0, 0, 0, 0, {}}
    local bucket = ms < 1 and 0 or 1 + math.floor(4 * math.log(ms) / math.log(2) + 1e-9)
    spans[1], spans[2], spans[3] = spans[1] + 1, spans[2] + ms, spans[3] + ms * ms
    if ms > spans[4] then spans[4] = ms end
    spans[5][bucket] = (spans[5][bucket] or 0) + 1
    counted[name] = spans
  end
end
