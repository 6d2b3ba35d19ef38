#!lua
-- Takes results as `finish` does, then hands out runs as `reserve` does: one call where a busy worker would
-- make two. Without allow-oom: refused for memory nothing was done, and the same results go through `finish`.
-- KEYS      meta
-- ARGUMENTS worker=string results=[{run, token, verdict, delay_ms, exit, signal, reason, started_ago_ms,
--           ended_ago_ms, output_bytes, dropped_bytes, group}, ...] queues=list rooms=list limit=int
--           order=string request=string
-- TOUCHES   workers ZSET
-- RETURNS   "OK" {now, [tag, ...], [run as reserve has it, ...]} | "UNKNOWN" {now, [tag, ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include accept_all
-- @include hand_out
local refused = guard()
if refused then return refused end
local at = now()
local tags = accept_all(arguments.results, arguments.worker, at)
if not redis.call('ZSCORE', key('workers'), arguments.worker) then return cmsgpack.pack({'UNKNOWN', at, tags}) end
local wish = {queues = arguments.queues, rooms = arguments.rooms, limit = arguments.limit,
  order = arguments.order, request = arguments.request}
local entries = hand_out(arguments.worker, wish, at)
return cmsgpack.pack({'OK', at, tags, entries})
