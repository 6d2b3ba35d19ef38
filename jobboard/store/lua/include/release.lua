-- @include key
-- @include read_run
-- @include proceed
-- @include doom
-- Tells the runs that wait for one that has ended. One whose last need this was goes on; one that needed a
-- success that never came is handed to `tick`, which records it as skipped, so that a long chain ends in bites.
-- TOUCHES   awaited:<run> SET, needs:<run> SET
local function release(id, state, at)
  for _, child in ipairs(redis.call('SMEMBERS', key('awaited', id))) do
    local run = read_run(child)
    if run and run.state == 'blocked' then
      if state == 'ok' then
        redis.call('SREM', key('needs', child), id)
        proceed(child, at)
      else
        doom(run, 'skipped', 'after: ' .. id .. ' ' .. state, at)
      end
    end
  end
  redis.call('DEL', key('awaited', id))
end
