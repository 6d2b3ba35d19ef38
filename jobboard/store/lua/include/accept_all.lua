-- @include accept
-- @include write_counts
-- Takes the results of attempts, one by one, and counts them together; what became of each, in a word.
local function accept_all(results, worker, at)
  local tags = {}
  counts.later = true
  for i, result in ipairs(results) do tags[i] = accept(result, worker, at) end
  write_counts(counts.tallies)
  counts.later, counts.tallies = false, {}
  return tags
end
