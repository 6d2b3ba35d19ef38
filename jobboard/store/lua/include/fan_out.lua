-- @include key
-- @include hear
-- @include rejoin
-- @include descend
-- @include follow
-- Goes on with the first list of those that are still to hear of something: a page of it, or a part of what there is
-- to do for one of them. Lists are gone through one after the other. Answers whether anything is left.
-- An entry of `fanout` is {list, item, copying, resume}: copying = up to where the list was copied from the dependents
-- of the job that the item is about, while it is; resume = {job, cursor}, who was not done with, and where to go on.
-- item = {true, run, state} for runs that wait for a run, {false} for jobs whose parents have changed, else that of
-- `descend`.
-- TOUCHES   after:<parent> SET, fanout LIST, fanout:<list> SET
local function fan_out(at, most)
  local packed = redis.call('LINDEX', key('fanout'), 0)
  if not packed then return false end
  local list, item, copying, resume = unpack(cmsgpack.unpack(packed), 1, 4)
  local members = key('fanout', list)

  local function note_state(cursor, whom)
    redis.call('LSET', key('fanout'), 0, cmsgpack.pack({list, item, cursor, whom}))
  end

  local function go_on(child, from)
    if item[1] == true then
      hear(child, item[2], item[3], at)
      return nil
    end
    if not item[1] then return rejoin(child, at, list, from) end
    local passed, rest = descend(child, item, at, list, from)
    for _, one in ipairs(passed) do follow(one[1], one[2], one[3], one[4], at, one[5], one[6], one[7], one[8]) end
    return rest
  end

  if copying then
    local page = redis.call('SSCAN', key('after', item[1]), copying, 'COUNT', 2000)
    for start = 1, #page[2], 500 do
      redis.call('SADD', members, unpack(page[2], start, math.min(start + 499, #page[2])))
    end
    note_state(page[1] ~= '0' and page[1] or false, false)
    if page[1] ~= '0' then return true end
  end
  local heirs = resume and {resume[1]} or redis.call('SPOP', members, most)
  for i, child in ipairs(heirs) do
    local rest = go_on(child, resume and resume[2] or nil)
    if rest then
      redis.call('SADD', members, unpack(heirs, i))
      note_state(false, {child, rest})
      return true
    end
    if resume then
      redis.call('SREM', members, child)
      note_state(false, false)
    end
  end
  if redis.call('EXISTS', members) == 0 then redis.call('LPOP', key('fanout')) end
  return redis.call('EXISTS', key('fanout')) == 1
end
