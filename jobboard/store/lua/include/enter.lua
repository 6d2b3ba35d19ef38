-- @include key
-- @include create
-- @include supersede
-- @include gate
-- @include event
-- Makes a run that `admit` let in, and lets it wait its turn where it has one, and at its gate. Answers the runs it took the
-- place of, as {nominal, suffix, state, family, by}: the caller tells their dependents. how as in `create`,
-- with catchup and asks = what it waits for, see `gate`.
-- TOUCHES   blocked ZSET, line:<job> ZSET, live:<job> SET, run:<run> HASH
local function enter(id, address, nominal, d, how, turn)
  local passed = {}
  if turn == 'latest' or turn == 'replace' then passed = supersede(address, id, turn, how.at) end
  local lined = turn and redis.call('EXISTS', key('live', address)) == 1
  local gated = how.asks and #how.asks > 0
  how.later = lined or gated
  if gated then gate(id, address, how.asks, how.at) end
  local sequence = create(id, address, nominal, d, how)
  if how.later then
    redis.call('HSET', key('run', id), 'state', 'blocked')
    if how.catchup then redis.call('HSET', key('run', id), 'catchup', 1) end
    if lined then redis.call('ZADD', key('line', address), sequence, id) end
    redis.call('ZADD', key('blocked'), how.at, id)
    event(how.trigger == 'schedule' and 'fired' or 'blocked', address, id, how.at, 'trigger', how.trigger)
  end
  return passed
end
