-- @include key
-- @include read_run
-- @include index_gate
-- Lists gates that were made before gates were listed, a page a call. Answers whether all are.
-- TOUCHES   blocked ZSET, gate:<run> HASH, meta HASH
local function index_old(most)
  local state = redis.call('HMGET', key('meta'), 'indexed', 'indexing')
  if state[1] == '1' then return true end
  local page = redis.call('ZSCAN', key('blocked'), state[2] or '0', 'COUNT', most)
  for i = 1, #page[2], 2 do
    local id = page[2][i]
    local asks = redis.call('HGETALL', key('gate', id))
    local run = #asks > 0 and read_run(id)
    for n = 1, run and #asks or 0, 2 do index_gate(run.job, id, asks[n], cmsgpack.unpack(asks[n + 1])) end
  end
  if page[1] == '0' then
    redis.call('HSET', key('meta'), 'indexed', '1')
    redis.call('HDEL', key('meta'), 'indexing')
  else
    redis.call('HSET', key('meta'), 'indexing', page[1])
  end
  return page[1] == '0'
end
