-- @include key
-- @include tally
-- @include write_counts
-- Counts one end of a run, or nominals passed over: by queue and minute for two days, by queue and day for 400
-- days, by job and day for thirty. Where no run was made there is no queue to count it for. A script that ends
-- many says `counts.later`, and writes them together.
-- seen = {state, count, retries, ran_ms, waited_ms}
-- TOUCHES   day:<day> HASH, jobday:<day> HASH, minute:<minute> HASH
local counts = {later = false, tallies = {}}
local function count(address, queue, at, seen)
  local day = math.floor(at / 86400000)
  if queue then
    tally(counts.tallies, key('minute', math.floor(at / 60000)), queue, 172800, seen)
    tally(counts.tallies, key('day', day), queue, 34560000, seen)
  end
  tally(counts.tallies, key('jobday', day), address, 2592000, seen)
  if counts.later then return end
  write_counts(counts.tallies)
  counts.tallies = {}
end
