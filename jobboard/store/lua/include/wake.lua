-- @include key
-- Lets one worker that waits on a queue look at it, unless `most` are let already. Tokens that nobody waits for are
-- few: a worker looks before it waits, and a reserve that leaves runs behind wakes the next. Nobody takes one during a call, so they are
-- counted once.
-- TOUCHES   wake:<who> LIST
local tokens_of = {}
local function wake(queue, most)
  local tokens = tokens_of[queue] or redis.call('LLEN', key('wake', queue))
  if tokens < (most or 64) then tokens = redis.call('RPUSH', key('wake', queue), 1) end
  tokens_of[queue] = tokens
end
