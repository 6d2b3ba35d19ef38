-- @include write_counts
-- Counts one end of a run, or nominals passed over: by queue and minute for two days, by queue and day for 400
-- days, by job and day for thirty. Where no run was made there is no queue to count it for. A script that ends
-- many says `counts.later`, and writes them together.
-- seen = {state, count, retries, spans = {d = ms it ran, w = ms it waited}}
local counts = {later = false, queues = {}, jobs = {}}
local function count(address, queue, at, seen)
  local function add(all, name)
    local several = all[name]
    if several then several[#several + 1] = seen else all[name] = {seen} end
  end
  if queue then add(counts.queues, queue) end
  add(counts.jobs, address)
  if counts.later then return end
  write_counts(counts, at)
end
