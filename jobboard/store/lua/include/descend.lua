-- @include definition
-- @include in_force
-- @include fits
-- @include join
-- @include tell
-- @include renamed
-- @include beget
-- Decides one dependent of a parent that was decided, for the parent's nominal, as far as that can be said yet;
-- or for a whole span of nominals, none of which ran. Of such a span one of several parents speaks for all.
-- Answers what was passed over, which the dependent's own dependents have to be told, as items of its own; and where
-- to go on from, if more of its runs wait at their gates than a call tells. before and from as in `tell`.
-- item = {parent, nominal, suffix, how, depth, family, by, seen}; seen = {count, first, last} of a span
local function descend(child, item, at, before, from)
  local _, d = definition(child)
  if d then d = in_force(d, at) end
  if d and d[4].n and not item[6] then
    local called = renamed(child)[item[1]] or item[1]
    for _, parent in ipairs(d[4].n) do
      if parent == called then return {}, tell(child, item, at, before, from) end
    end
  end
  local meant = false
  for _, parent in ipairs(d and d[4].a or {}) do meant = meant or parent == item[1] end
  if not meant or d[4].d then return {} end
  local why = nil
  if item[8] and item[1] ~= d[4].a[1] then return {} end
  if #d[4].a > 1 and not item[8] then
    local open = nil
    open, why = join(child, d[4], item, at)
    if not open then return {} end
  elseif not fits((d[4].e or {})[item[1]], item[4]) then
    why = 'after: ' .. item[1] .. ' ' .. item[4]
  end
  return beget(child, d, item, why, at)
end
