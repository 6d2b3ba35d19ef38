-- @include key
-- @include admit
-- @include skip
-- @include enter
-- @include note
-- Makes the run of a dependent for its parents' nominal, or writes down why there is none. Answers what was
-- passed over, which the dependent's own dependents have to be told, as items like its own.
-- item = {parent, nominal, suffix, how, depth, family, by, seen, again}
-- TOUCHES   last:<job> LIST, run:<run> HASH
local function beget(child, d, item, why, at)
  local id = child .. '@' .. item[3]
  if redis.call('EXISTS', key('run', id)) == 1 then return {} end
  for _, packed in ipairs(item[9] and redis.call('LRANGE', key('last', child), 0, 19) or {}) do
    if cmsgpack.unpack(packed).id == id then return {} end
  end
  local state, reason, turn = admit(child, d[4], item[2])
  if why and state ~= 'held' then state, reason = 'skipped', why end
  if not state and not item[6] then
    reason = skip(child)
    state = reason and 'skipped'
  end
  if state then
    note(child, state, reason, item[8] or {1, item[2], item[2]}, at)
    return {{child, item[2], item[3], 'skipped', item[5] + 1, item[6], item[7], item[8]}}
  end
  local how = {trigger = item[6] and 'manual' or 'after', at = at, by = item[7], family = item[6],
    reason = 'after ' .. table.concat(d[4].a, ', ')}
  local passed = enter(id, child, item[2], d, how, turn)
  if item[9] then redis.call('HSET', key('run', id), 'again', 1) end
  for i, one in ipairs(passed) do passed[i] = {child, one[1], one[2], one[3], item[5] + 1, one[4], one[5]} end
  return passed
end
