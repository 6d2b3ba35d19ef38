-- @include key
-- Lets one worker that waits on a queue look at it. Tokens that nobody waits for are few: a worker looks
-- before it waits, and a reserve that leaves runs behind wakes the next. Nobody takes one during a call, so they are
-- counted once.
-- TOUCHES   wake:<who> LIST
local tokens_of = {}
local function wake(queue)
  local tokens = tokens_of[queue] or redis.call('LLEN', key('wake', queue))
  if tokens < 64 then tokens = redis.call('RPUSH', key('wake', queue), 1) end
  tokens_of[queue] = tokens
end
