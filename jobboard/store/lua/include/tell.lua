-- @include key
-- @include fits
-- @include read_run
-- @include open_gate
-- @include doom
-- Tells the runs of a job that wait at their gates how a nominal of a parent was decided, or a span of them
-- that was passed over. What ended otherwise than asked may come yet, by a run by hand of that nominal; not so
-- where the parent of a window ended, and what never ran. item as in `descend`
-- TOUCHES   gate:<run> HASH, live:<job> SET
local function tell(child, item, at)
  local state, last = item[4], item[2]
  local first, count = item[8] and item[8][2] or last, item[8] and item[8][1] or 1
  local passed = state == 'skipped' or state == 'missed' or state == 'held'
  for _, id in ipairs(redis.call('SMEMBERS', key('live', child))) do
    local packed = redis.call('HGET', key('gate', id), item[1])
    local ask = packed and cmsgpack.unpack(packed)
    if ask and ask.low < last and ask.high >= first then
      local fitting = fits(ask.on, state)
      if fitting then ask.left = ask.left - 1 end
      if fitting or ask.strict or passed or state == 'ok' then ask.open = ask.open - math.min(count, ask.open) end
      if ask.left <= 0 or ask.open < ask.left and ask.policy == 'run' then
        open_gate(id, item[1], at)
      elseif ask.open < ask.left then
        local what = ask.strict and 'after: ' or 'needs: '
        doom(read_run(id), ask.policy == 'fail' and 'failed' or 'skipped', what .. item[1] .. ' ' .. state, at)
      else
        redis.call('HSET', key('gate', id), item[1], cmsgpack.pack(ask))
      end
    end
  end
end
