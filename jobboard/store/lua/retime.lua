#!lua
-- Has jobs due at other instants than before, where nobody has moved them since they were read; a claimed job is left
-- alone. With a version, writes down with which time zone data all of them are in line from now on.
-- KEYS      meta
-- ARGUMENTS entries=[{address, epoch, due before, due}, ...] version=string
-- TOUCHES   meta HASH, sched ZSET, wake:<who> LIST
-- RETURNS   "OK" {moved}
-- @include guard
-- @include arguments
-- @include definition
local refused = guard()
if refused then return refused end
local moved = 0
for _, entry in ipairs(arguments.entries) do
  local address, epoch, before, due = unpack(entry)
  local _, d = definition(address)
  if d and d[1] == epoch and tonumber(redis.call('ZSCORE', key('sched'), address) or nil) == before then
    redis.call('ZADD', key('sched'), due, address)
    moved = moved + 1
  end
end
if moved > 0 then
  redis.call('LPUSH', key('wake', 'scheduler'), 'retime')
  redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
end
if arguments.version ~= '' then redis.call('HSET', key('meta'), 'zonedata', arguments.version) end
return cmsgpack.pack({'OK', moved})
