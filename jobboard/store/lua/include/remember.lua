-- @include key
-- @include forget_pushed
-- Keeps in mind that a run was pushed, so that a repeat of the push is known for one: for a fortnight from when the
-- run was due where the caller chose its id, otherwise, and for the mark of a push that replaces, for the ten
-- minutes in which a reply may be lost.
-- TOUCHES   config HASH, pushed ZSET
local function remember(parcel, trace, due, at)
  local span = 600000
  if parcel.named then span = tonumber(redis.call('HGET', key('config'), 'ids_ms') or nil) or 1209600000 end
  redis.call('ZADD', key('pushed'), due + span, parcel.id)
  if parcel.mark then redis.call('ZADD', key('pushed'), at + 600000, trace) end
  forget_pushed(at, 16)
end
