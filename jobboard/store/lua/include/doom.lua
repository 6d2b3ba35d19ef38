-- @include key
-- @include withdraw
-- @include postpone
-- Hands a run that cannot start any more to `tick`, which records it: so a long chain ends in bites.
-- TOUCHES   run:<run> HASH
local function doom(run, state, why, at)
  withdraw(run, at)
  redis.call('HSET', key('run', run.id), 'state', 'delayed', 'doomed', why, 'fate', state)
  postpone(run.id, at)
end
