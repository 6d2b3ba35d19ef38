-- @include key
-- @include is_indexed
-- @include put_off
-- Has `tick` look again at what a job waits for, where it waits for some of its parents; a job that is gone
-- waits for nothing more. names = the addresses that parents of it have now, by those they had, or nil
-- TOUCHES   gated:<job> ZSET, joins:<job> HASH, renamed HASH
local function relook(address, gone, names)
  if gone then
    redis.call('DEL', key('joins', address))
    redis.call('HDEL', key('renamed'), address)
    return
  end
  if redis.call('EXISTS', key('joins', address), key('gated', address)) == 0 and is_indexed() then return end
  local list = put_off(address, {false})
  local packed = redis.call('HGET', key('renamed'), address)
  if not names and not packed then return end
  -- Gates may still name a parent as it was called before that.
  local all = packed and cmsgpack.unpack(packed)[2] or {}
  for was, is in pairs(all) do all[was] = names and names[is] or is end
  for was, is in pairs(names or {}) do all[was] = is end
  redis.call('HSET', key('renamed'), address, cmsgpack.pack({list, all}))
end
