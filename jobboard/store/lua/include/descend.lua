-- @include definition
-- @include in_force
-- @include fits
-- @include join
-- @include beget
-- Decides one dependent of a parent that ended, for the parent's nominal, as far as that can be said yet.
-- Answers whether the dependent was passed over, which its own dependents have to be told.
-- item = {parent, nominal, suffix, how, depth, family, by}
local function descend(child, item, at)
  local _, d = definition(child)
  if d then d = in_force(d, at) end
  local meant = false
  for _, parent in ipairs(d and d[4].a or {}) do meant = meant or parent == item[1] end
  if not meant or d[4].d then return false end
  local why = nil
  if #d[4].a > 1 then
    local open = nil
    open, why = join(child, d[4], item, at)
    if not open then return false end
  elseif not fits((d[4].e or {})[item[1]], item[4]) then
    why = 'after: ' .. item[1] .. ' ' .. item[4]
  end
  return beget(child, d, item, why, at)
end
