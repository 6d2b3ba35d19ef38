#!lua
-- Hands a worker its next runs, best priority first and then oldest first over all its queues, each with a
-- fencing token and with all its locks or not at all: one that misses a lock waits at that lock. The same
-- request again, after a lost reply, gets the same answer.
-- KEYS      meta
-- ARGUMENTS worker=string queues=list rooms=list limit=int order=string request=string
-- TOUCHES   workers ZSET
-- RETURNS   "RESERVED" {now, [{run, address, nominal, attempt, token, spec, trigger, lost, defers, queued_at,
--           due_at, revision}, ...]} | "UNKNOWN"
-- @include guard
-- @include arguments
-- @include now
-- @include hand_out
local refused = guard()
if refused then return refused end
local at = now()
if not redis.call('ZSCORE', key('workers'), arguments.worker) then return cmsgpack.pack({'UNKNOWN'}) end
local wish = {queues = arguments.queues, rooms = arguments.rooms, limit = arguments.limit,
  order = arguments.order, request = arguments.request}
local entries = hand_out(arguments.worker, wish, at)
return cmsgpack.pack({'RESERVED', at, entries})
