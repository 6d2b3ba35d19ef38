-- @include write_counts
-- Counts one end of a run, or nominals passed over, which no queue is concerned with. A script that ends many says
-- `counts.later`, and writes them together.
-- seen = {state, count, retries, spans = {d = ms it ran, w = ms it waited}}
local counts = {later = false, ends = {}}
local function count(address, queue, at, seen)
  counts.ends[#counts.ends + 1] = {address, queue or false, seen}
  if not counts.later then write_counts(counts, at) end
end
