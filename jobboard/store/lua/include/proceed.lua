-- @include key
-- @include read_run
-- @include place
-- Lets a blocked run go on, unless something is left to wait for: other runs, its gate, its turn.
-- TOUCHES   blocked ZSET, gate:<run> HASH, line:<job> ZSET, needs:<run> SET
local function proceed(id, at)
  local run = read_run(id)
  if not run or run.state ~= 'blocked' then return end
  if redis.call('EXISTS', key('needs', id)) == 1 or redis.call('EXISTS', key('gate', id)) == 1 then return end
  if redis.call('ZSCORE', key('line', run.job), id) then return end
  redis.call('ZREM', key('blocked'), id)
  place(run, at)
end
