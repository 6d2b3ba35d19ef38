-- @include key
-- @include admit
-- @include skip
-- @include create
-- @include note
-- Makes the run of a dependent for its parents' nominal, or writes down why there is none. Answers whether it
-- was passed over, which its own dependents have to be told. item = {parent, nominal, suffix, how, depth, family, by}
local function beget(child, d, item, why, at)
  local id = child .. '@' .. item[3]
  if redis.call('EXISTS', key('run', id)) == 1 then return false end
  local state, reason = admit(child, d[4], item[2])
  if why and state ~= 'held' then state, reason = 'skipped', why end
  if not state and not item[6] then
    reason = skip(child)
    state = reason and 'skipped'
  end
  if state then
    note(child, state, reason, {1, item[2], item[2]}, at)
    return true
  end
  create(id, child, item[2], d, {trigger = item[6] and 'manual' or 'after', at = at, by = item[7], family = item[6],
    reason = 'after ' .. table.concat(d[4].a, ', ')})
  return false
end
