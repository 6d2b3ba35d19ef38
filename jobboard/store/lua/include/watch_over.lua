-- @include key
-- @include definition
-- @include held
-- @include read_run
-- @include remind
-- @include incident
-- @include call_off
-- Looks at what should have happened by now: runs that are to be over, jobs that are to have ended ok again.
-- A job that may not run is given its span anew. At most `limit` of each; answers how many of the more
-- numerous it took.
-- TOUCHES   deadlines ZSET, expected ZSET
local function watch_over(at, limit)
  local late = redis.call('ZRANGEBYSCORE', key('deadlines'), '-inf', at, 'LIMIT', 0, limit)
  for _, id in ipairs(late) do
    redis.call('ZREM', key('deadlines'), id)
    local run = read_run(id)
    if run then
      incident('late', id, run.job, at)
      if run.launch.k then call_off(run, 'finish_by', at) end
    end
  end
  local expected = redis.call('ZRANGEBYSCORE', key('expected'), '-inf', at, 'LIMIT', 0, limit)
  for _, address in ipairs(expected) do
    redis.call('ZREM', key('expected'), address)
    local _, d = definition(address)
    local span = d and d[4].y
    if span and (d[4].d or held(address, d[4].g, at)) then
      remind(key('expected'), address, at + span)
    elseif span then
      incident('overdue', address, address, at)
    end
  end
  return math.max(#late, #expected)
end
