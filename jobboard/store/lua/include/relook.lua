-- @include key
-- Has `tick` look again at what a job waits for, where it waits for some of its parents; a job that is gone
-- waits for nothing more.
-- TOUCHES   fanout LIST, fanout:<list> SET, gate:<run> HASH, joins:<job> HASH, live:<job> SET, meta HASH
local function relook(address, gone)
  local waiting = redis.call('EXISTS', key('joins', address)) == 1
  if gone then redis.call('DEL', key('joins', address)) end
  for _, id in ipairs(redis.call('SRANDMEMBER', key('live', address), 500)) do
    waiting = waiting or redis.call('EXISTS', key('gate', id)) == 1
  end
  if not waiting or gone then return end
  local list = redis.call('HINCRBY', key('meta'), 'seq', 1)
  redis.call('SADD', key('fanout', list), address)
  redis.call('RPUSH', key('fanout'), cmsgpack.pack({list, {false}}))
end
