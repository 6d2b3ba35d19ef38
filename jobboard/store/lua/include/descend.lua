-- @include key
-- @include definition
-- @include in_force
-- @include admit
-- @include skip
-- @include create
-- @include note
-- Decides one dependent of a parent that ended, for the parent's nominal. Answers whether the dependent was
-- passed over, which its own dependents have to be told. item = {parent, nominal, suffix, how, depth}
local function descend(child, item, at)
  local _, d = definition(child)
  if d then d = in_force(d, at) end
  local meant = false
  for _, parent in ipairs(d and d[4].a or {}) do meant = meant or parent == item[1] end
  if not meant or d[4].d then return false end
  local id = child .. '@' .. item[3]
  if redis.call('EXISTS', key('run', id)) == 1 then return false end
  local state, why = admit(child, d[4], item[2])
  if item[4] ~= 'ok' and state ~= 'held' then state, why = 'skipped', 'after: ' .. item[1] .. ' ' .. item[4] end
  if not state then
    why = skip(child)
    state = why and 'skipped'
  end
  if state then
    note(child, state, why, {1, item[2], item[2]}, at)
    return true
  end
  create(id, child, item[2], d, {trigger = 'after', at = at, reason = 'after ' .. item[1] .. '@' .. item[3]})
  return false
end
