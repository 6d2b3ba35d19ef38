-- @include key
-- @include create
-- @include supersede
-- @include event
-- Makes a run that `admit` let in, and lets it wait its turn where it has one. Answers the runs it took the
-- place of, as {nominal, suffix, state, family, by}: the caller tells their dependents. how as in `create`, with catchup.
local function enter(id, address, nominal, d, how, turn)
  local passed = {}
  if turn == 'latest' or turn == 'replace' then passed = supersede(address, id, turn, how.at) end
  how.later = turn and redis.call('EXISTS', key('live', address)) == 1
  local sequence = create(id, address, nominal, d, how)
  if how.later then
    redis.call('HSET', key('run', id), 'state', 'blocked')
    if how.catchup then redis.call('HSET', key('run', id), 'catchup', 1) end
    redis.call('ZADD', key('line', address), sequence, id)
    redis.call('ZADD', key('blocked'), how.at, id)
    event(how.trigger == 'schedule' and 'fired' or 'blocked', address, id, how.at, 'trigger', how.trigger)
  end
  return passed
end
