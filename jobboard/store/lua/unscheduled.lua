#!lua flags=allow-oom
-- Of jobs that ought to be due at some instant, finds those nobody would ever look at; makes them due when
-- told to. A job that was claimed, has used up its runs, waits for a sync's drain, or for a run of its own to
-- end, is in order.
-- KEYS      meta
-- ARGUMENTS version=string due=map repair=bool
-- TOUCHES   boards HASH, claims ZSET, live:<job> SET, sched ZSET, used HASH, wake:<who> LIST, work LIST,
--           work:<stage> HASH
-- RETURNS   "OK" {address, ...}
-- @include guard
-- @include arguments
-- @include definition
-- @include read_run
local refused = guard()
if refused then return refused end
local stages = redis.call('LRANGE', key('work'), 0, -1)

local function in_order(address)
  if redis.call('ZSCORE', key('sched'), address) or redis.call('ZSCORE', key('claims'), address) then return true end
  for _, stage in ipairs(stages) do
    if redis.call('HEXISTS', key('work', stage), address) == 1 then return true end
  end
  local current = redis.call('HGET', key('boards'), string.match(address, '^[^/]+'))
  if not current or string.match(current, '^(.*)%.%d+$') ~= arguments.version then return true end
  local _, d = definition(address)
  if not d or d[4].d then return true end
  for _, id in ipairs(d[4].i and redis.call('SRANDMEMBER', key('live', address), 500) or {}) do
    local run = read_run(id)
    if run and run.launch.i then return true end
  end
  return d[4].r and tonumber(redis.call('HGET', key('used'), address) or 0) >= d[4].r
end

local found = {}
for address, due in pairs(arguments.due) do
  if not in_order(address) then
    found[#found + 1] = address
    if arguments.repair then redis.call('ZADD', key('sched'), due, address) end
  end
end
if arguments.repair and #found > 0 then
  redis.call('LPUSH', key('wake', 'scheduler'), 'fsck')
  redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
end
return cmsgpack.pack({'OK', found})
