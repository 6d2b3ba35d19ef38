-- @include key
-- @include definition
-- @include in_force
-- @include join
-- @include open_gate
-- @include beget
-- @include follow
-- Looks again at the nominals for which a job waits for some of its parents, and at the gates of its runs, since
-- its parents have changed: one that it no longer goes by keeps it waiting no more.
-- TOUCHES   gate:<run> HASH, joins:<job> HASH, live:<job> SET
local function rejoin(child, at)
  local _, d = definition(child)
  if d then d = in_force(d, at) end
  for _, suffix in ipairs(redis.call('HKEYS', key('joins', child))) do
    local entry = cmsgpack.unpack(redis.call('HGET', key('joins', child), suffix))
    local item = {false, entry.nominal, suffix, false, 1, entry.family, entry.by}
    if not d or not d[4].a or d[4].d then
      redis.call('HDEL', key('joins', child), suffix)
    else
      local open, why = join(child, d[4], item, at)
      for _, passed in ipairs(open and beget(child, d, item, why, at) or {}) do
        follow(passed[1], passed[2], passed[3], passed[4], at, passed[5], passed[6], passed[7])
      end
    end
  end
  local asked = {}
  for _, parent in ipairs(d and d[4].n or {}) do asked[parent] = true end
  for _, id in ipairs(redis.call('SRANDMEMBER', key('live', child), 500)) do
    for _, parent in ipairs(redis.call('HKEYS', key('gate', id))) do
      if not asked[parent] then open_gate(id, parent, at) end
    end
  end
end
