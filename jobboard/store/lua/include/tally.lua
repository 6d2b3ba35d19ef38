-- Adds one end to what is counted of a stretch of time: how many ended how (s), how often they were tried again (r), how
-- long they ran (d) and waited (w). Such spans are [count, sum, sum of squares, longest, histogram]; a histogram's
-- buckets are four to a doubling, 0 is what took no millisecond; that of a span is worked out once a call. seen as in
-- `count`
local bucket_of = {}
local function tally(counted, seen)
  local states = counted.s
  states[seen.state] = (states[seen.state] or 0) + (seen.count or 1)
  if seen.retries then counted.r = (counted.r or 0) + seen.retries end
  for name, ms in pairs(seen.spans) do
    local spans = counted[name] or {0, 0, 0, 0, {}}
    local bucket = bucket_of[ms]
    if not bucket then
      bucket = ms < 1 and 0 or 1 + math.floor(4 * math.log(ms) / math.log(2) + 1e-9)
      bucket_of[ms] = bucket
    end
    spans[1], spans[2], spans[3] = spans[1] + 1, spans[2] + ms, spans[3] + ms * ms
    if ms > spans[4] then spans[4] = ms end
    spans[5][bucket] = (spans[5][bucket] or 0) + 1
    counted[name] = spans
  end
end
