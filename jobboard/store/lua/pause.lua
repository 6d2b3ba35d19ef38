#!lua
-- Puts a hold on a job, a board, a tag or everything. The same person's hold on the same scope is renewed.
-- Holds that ended over a week ago are dropped on the way: no scheduler looks that far back for them.
-- KEYS      meta
-- ARGUMENTS scope=string by=map reason=string expires=int
-- TOUCHES   holds HASH
-- RETURNS   "OK" {now}
-- @include guard
-- @include arguments
-- @include now
-- @include audit
local refused = guard()
if refused then return refused end
local WEEK_MS = 604800000
local at = now()
local kept = {}
for _, hold in ipairs(cmsgpack.unpack(redis.call('HGET', key('holds'), arguments.scope) or cmsgpack.pack({}))) do
  local ended = hold['until'] and hold['until'] <= at
  if ended and hold['until'] > at - WEEK_MS then
    kept[#kept + 1] = hold
  elseif not ended and hold.by ~= arguments.by.actor then
    kept[#kept + 1] = hold
  elseif not ended then
    hold['until'] = at
    kept[#kept + 1] = hold
  end
end
kept[#kept + 1] = {by = arguments.by.actor, at = at, reason = arguments.reason, ['until'] = arguments.expires or nil}
redis.call('HSET', key('holds'), arguments.scope, cmsgpack.pack(kept))
audit('pause', arguments.scope, arguments.by, {reason = arguments.reason, ['until'] = arguments.expires})
return cmsgpack.pack({'OK', at})
