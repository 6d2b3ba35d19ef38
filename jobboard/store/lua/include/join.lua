-- @include key
-- @include fits
-- @include note
-- @include stems
-- Notes how one parent of several ended for a nominal, and answers whether that decides the child: once all
-- have ended as they were to, or at the first that did not, and then why. An entry lives until all parents
-- are in, so that those that come later decide nothing again. Without a parent it only looks again. Of a run
-- by hand only those parents count that were started with it. At most 500 nominals wait; then the oldest is
-- given up.
-- A parent that was run again ended otherwise before, and may turn the decision: how the others ended is then
-- looked up, since the entry that knew is gone.
-- item = {parent or false, nominal, suffix, how, depth, family, by, seen, again}
-- TOUCHES   joins:<job> HASH, last:<job> LIST, run:<run> HASH
local function join(child, launch, item, at)
  local joins, ends = key('joins', child), launch.e or {}
  local packed = redis.call('HGET', joins, item[3])
  local entry = packed and cmsgpack.unpack(packed) or {nominal = item[2], ends = {}, family = item[6], by = item[7]}
  if item[1] then entry.ends[item[1]] = item[4] end
  for _, parent in ipairs(item[9] and launch.a or {}) do
    if not entry.ends[parent] then
      for _, last in ipairs(redis.call('LRANGE', key('last', parent), 0, 19)) do
        local record = cmsgpack.unpack(last)
        if record.id == parent .. '@' .. item[3] then
          entry.ends[parent] = redis.call('EXISTS', key('run', record.id)) == 0 and record.state or nil
          break
        end
      end
    end
  end
  local missing, why = false, nil
  for _, parent in ipairs(launch.a) do
    local state = entry.ends[parent]
    if state and not fits(ends[parent], state) then
      why = why or 'after: ' .. parent .. ' ' .. state
    elseif not state and (not entry.family or stems(parent, entry.family)) then
      missing = true
    end
  end
  if item[9] and not why then entry.decided = nil end
  local decided = entry.decided
  if missing then
    entry.decided = decided or why and 1
    redis.call('HSET', joins, item[3], cmsgpack.pack(entry))
    if not packed and redis.call('HLEN', joins) > 500 then
      local waiting = redis.call('HKEYS', joins)
      table.sort(waiting)
      local oldest = cmsgpack.unpack(redis.call('HGET', joins, waiting[1]))
      redis.call('HDEL', joins, waiting[1])
      if not oldest.decided then
        note(child, 'skipped', 'after: some parents never ended', {1, oldest.nominal, oldest.nominal}, at)
      end
    end
  else
    redis.call('HDEL', joins, item[3])
  end
  return not decided and (not missing or why ~= nil), why
end
