-- @include accept
-- @include forget
-- @include write_counts
-- Takes the results of attempts, one by one, and does once for all of them what can be; what became of each, in a word.
local function accept_all(results, worker, at)
  local tags = {}
  counts.later, owed.later = true, true
  for i, result in ipairs(results) do tags[i] = accept(result, worker, at) end
  counts.later, owed.later = false, false
  write_counts(counts, at)
  if owed.records > 0 then forget(0) end
  return tags
end
