-- @include write_events
-- @include forget
-- @include write_counts
-- Does something for each of many, and what can be done once for all of them once: what ends is counted, what is told is
-- written, and what is too old forgotten, at the end. Answers what came of each.
local function add_up(many, at, one)
  local answers = {}
  counts.later, owed.later, events.later = true, true, true
  for i, item in ipairs(many) do answers[i] = one(item, i) end
  counts.later, owed.later, events.later = false, false, false
  write_events(events)
  write_counts(counts, at)
  if owed.records > 0 then forget(0) end
  return answers
end
