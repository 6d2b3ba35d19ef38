-- @include key
-- @include fits
-- @include cursor_at
-- @include gates_from
-- @include read_run
-- @include renamed
-- @include is_indexed
-- @include open_gate
-- @include doom
-- Tells the runs of a job that wait at their gates how a nominal of a parent was decided, or a span of them
-- that was passed over. What ended otherwise than asked may come yet, by a run by hand of that nominal; not so
-- where the parent of a window ended, and what never ran. A call looks at a hundred gates: answers where to go on
-- where there are more, nil otherwise. Gates made after list number `before` know what it says. item as in `descend`
-- TOUCHES   gate:<run> HASH, gated:<job> ZSET
local gates_left = 100
local function tell(child, item, at, before, from)
  if not is_indexed() then return {'-inf', ''} end
  local state, last = item[4], item[2]
  local first, count = item[8] and item[8][2] or last, item[8] and item[8][1] or 1
  local passed = state == 'skipped' or state == 'missed' or state == 'held'
  local names = renamed(child)

  local function told(entry)
    local id, parent = string.match(entry, '^(.*) (%S+)$')
    if parent ~= item[1] and names[parent] ~= item[1] then return end
    local packed = redis.call('HGET', key('gate', id), parent)
    local ask = packed and cmsgpack.unpack(packed)
    if not ask then redis.call('ZREM', key('gated', child), entry) end
    if not ask or ask.low >= last or ask.high < first or before and (ask.since or 0) >= before then return end
    local fitting = fits(ask.on, state)
    if fitting then ask.left = ask.left - 1 end
    if fitting or ask.strict or passed or state == 'ok' then ask.open = ask.open - math.min(count, ask.open) end
    if ask.left <= 0 or ask.open < ask.left and ask.policy == 'run' then
      open_gate(id, child, parent, at)
    elseif ask.open < ask.left then
      local what = ask.strict and 'after: ' or 'needs: '
      doom(read_run(id), ask.policy == 'fail' and 'failed' or 'skipped', what .. item[1] .. ' ' .. state, at)
    else
      redis.call('HSET', key('gate', id), parent, cmsgpack.pack(ask))
    end
  end

  for _, span in ipairs({{string.format('%.0f', first), string.format('%.0f', last)}, {'+inf', '+inf'}}) do
    local page = gates_from(child, span[1], span[2], from, gates_left + 1)
    for i = 1, #page, 2 do
      if gates_left == 0 then return cursor_at(page, i) end
      gates_left = gates_left - 1
      told(page[i])
    end
  end
end
