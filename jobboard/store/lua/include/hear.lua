-- @include key
-- @include read_run
-- @include proceed
-- @include doom
-- Tells a run that waits how one of those it waits for has ended. One whose last need this was goes on; one that needed a
-- success that never came is handed to `tick`, which records it as skipped, so that a long chain ends in bites.
-- TOUCHES   needs:<run> SET
local function hear(child, id, state, at)
  local run = read_run(child)
  if not run or run.state ~= 'blocked' or redis.call('SISMEMBER', key('needs', child), id) == 0 then return end
  if state == 'ok' then
    redis.call('SREM', key('needs', child), id)
    proceed(child, at)
  else
    doom(run, 'skipped', 'after: ' .. id .. ' ' .. state, at)
  end
end
