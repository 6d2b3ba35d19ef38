-- Adds what was counted of some ends to what was counted of others, both as `tally` has them.
local function merge_counts(into, from)
  for state, ends in pairs(from.s) do into.s[state] = (into.s[state] or 0) + ends end
  if from.r then into.r = (into.r or 0) + from.r end
  for _, name in ipairs({'d', 'w'}) do
    local more, spans = from[name], into[name] or {0, 0, 0, 0, {}}
    if more then
      for i = 1, 3 do spans[i] = spans[i] + more[i] end
      spans[4] = math.max(spans[4], more[4])
      for bucket, ends in pairs(more[5]) do spans[5][bucket] = (spans[5][bucket] or 0) + ends end
      into[name] = spans
    end
  end
end
