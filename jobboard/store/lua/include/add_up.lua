-- @include forget
-- @include write_counts
-- Does something for each of many, and what can be done once for all of them once: what ends is counted, and what
-- is too old forgotten, at the end. Answers what came of each.
local function add_up(many, at, one)
  local answers = {}
  counts.later, owed.later = true, true
  for i, item in ipairs(many) do answers[i] = one(item, i) end
  counts.later, owed.later = false, false
  write_counts(counts, at)
  if owed.records > 0 then forget(0) end
  return answers
end
