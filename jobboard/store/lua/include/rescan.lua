-- @include key
-- @include handover
-- Goes on where a hand-over stopped at its bound: a few locks a call.
-- TOUCHES   lockrescan SET
local function rescan(at)
  for _, lock in ipairs(redis.call('SRANDMEMBER', key('lockrescan'), 4)) do handover(lock, at, true) end
end
