#!lua
-- Moves the oldest entries of an inbox on, each in the step that makes its run, or sets it aside with what is
-- wrong with it: as long as they are the entries that were looked at. So however many workers read one inbox,
-- and whenever one dies, each entry is moved once. The same request again, after a lost reply, moves nothing.
-- KEYS      meta
-- ARGUMENTS worker=string queue=string request=string entries=[{sha, parcel or false, reason}, ...]
-- TOUCHES   inbox:<queue> LIST, worker:<worker> HASH, workers ZSET
-- RETURNS   "OK" {now, [run made or false, ...]} | "UNKNOWN"
-- @include guard
-- @include arguments
-- @include now
-- @include deliver
-- @include unfit
-- @include reject
local refused = guard()
if refused then return refused end
local at, queue, taken = now(), arguments.queue, {}
local worker, mark = key('worker', arguments.worker), 'inbox:' .. queue
if not redis.call('ZSCORE', key('workers'), arguments.worker) then return cmsgpack.pack({'UNKNOWN'}) end
local before = redis.call('HGET', worker, mark)
before = before and cmsgpack.unpack(before)
if before and before[1] == arguments.request then return cmsgpack.pack({'OK', at, before[2]}) end
for i, looked_at in ipairs(arguments.entries) do
  local entry = redis.call('LINDEX', key('inbox', queue), -1)
  if not entry or redis.sha1hex(entry) ~= looked_at[1] then break end
  local parcel, reason = looked_at[2], looked_at[3]
  taken[i] = false
  if parcel then
    local tag, about = deliver(parcel, at)
    reason = unfit(tag, parcel.id, about)
    taken[i] = not reason and parcel.id
  end
  if reason then reject(queue, entry, reason, at) end
  redis.call('RPOP', key('inbox', queue))
end
redis.call('HSET', worker, mark, cmsgpack.pack({arguments.request, taken}))
return cmsgpack.pack({'OK', at, taken})
