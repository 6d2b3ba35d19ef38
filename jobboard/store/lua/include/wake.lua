-- @include key
-- Lets one worker that waits on a queue look at it. Tokens that nobody waits for are few: a worker looks
-- before it waits, and a reserve that leaves runs behind wakes the next.
-- TOUCHES   wake:<who> LIST
local function wake(queue)
  local tokens = key('wake', queue)
  if redis.call('LLEN', tokens) < 64 then redis.call('RPUSH', tokens, 1) end
end
