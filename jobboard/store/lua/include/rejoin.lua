-- @include key
-- @include definition
-- @include in_force
-- @include join
-- @include cursor_at
-- @include gates_from
-- @include index_gate
-- @include renamed
-- @include open_gate
-- @include beget
-- @include follow
-- Looks again at the nominals for which a job waits for some of its parents, and at the gates of its runs, since
-- its parents have changed: one that it no longer goes by keeps it waiting no more, and one that has another address
-- is waited for under that. A call looks at a hundred: answers where to go on where there are more, as {nominal} or
-- as `cursor_at` does, nil otherwise. list = the number of the list this is on
-- TOUCHES   gate:<run> HASH, gated:<job> ZSET, joins:<job> HASH, renamed HASH
local function rejoin(child, at, list, from)
  local MOST = 100
  local _, d = definition(child)
  if d then d = in_force(d, at) end

  local function rejoined(suffix)
    local entry = cmsgpack.unpack(redis.call('HGET', key('joins', child), suffix))
    local item = {false, entry.nominal, suffix, false, 1, entry.family, entry.by}
    if not d or not d[4].a or d[4].d then
      redis.call('HDEL', key('joins', child), suffix)
      return
    end
    local open, why = join(child, d[4], item, at)
    for _, passed in ipairs(open and beget(child, d, item, why, at) or {}) do
      follow(passed[1], passed[2], passed[3], passed[4], at, passed[5], passed[6], passed[7])
    end
  end

  local asked, names = {}, renamed(child)
  for _, parent in ipairs(d and d[4].n or {}) do asked[parent] = true end

  local function regated(entry)
    local id, parent = string.match(entry, '^(.*) (%S+)$')
    if asked[parent] then return end
    local packed = redis.call('HGET', key('gate', id), parent)
    local is = names[parent]
    if packed and is and asked[is] then
      local ask = cmsgpack.unpack(packed)
      ask.parent = is
      redis.call('HSET', key('gate', id), is, cmsgpack.pack(ask))
      index_gate(child, id, is, ask)
      redis.call('HDEL', key('gate', id), parent)
      redis.call('ZREM', key('gated', child), entry)
    else
      open_gate(id, child, parent, at)
    end
  end

  if not from or #from == 1 then
    local waiting, looked = redis.call('HKEYS', key('joins', child)), 0
    table.sort(waiting)
    for _, suffix in ipairs(waiting) do
      if not from or suffix > from[1] then
        if looked == MOST then return from end
        looked, from = looked + 1, {suffix}
        rejoined(suffix)
      end
    end
    from = nil
  end
  local page = gates_from(child, '-inf', '+inf', from, MOST + 1)
  for i = 1, math.min(#page, 2 * MOST), 2 do regated(page[i]) end
  if #page > 2 * MOST then return cursor_at(page, 2 * MOST + 1) end
  local packed = redis.call('HGET', key('renamed'), child)
  if packed and cmsgpack.unpack(packed)[1] == list then redis.call('HDEL', key('renamed'), child) end
end
