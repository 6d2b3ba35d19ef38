-- @include key
-- @include read_run
-- @include place
-- Lets the first in a job's line go on, once nothing else of the job is unfinished.
-- TOUCHES   blocked ZSET, line:<job> ZSET, live:<job> SET, run:<run> HASH
local function advance(address, at)
  local line = key('line', address)
  local head = redis.call('ZRANGE', line, 0, 0)[1]
  if not head or redis.call('SCARD', key('live', address)) > redis.call('ZCARD', line) then return end
  redis.call('ZREM', line, head)
  redis.call('ZREM', key('blocked'), head)
  redis.call('HDEL', key('run', head), 'catchup')
  local run = read_run(head)
  if run then place(run, at) end
end
