-- @include key
-- The addresses that a job's parents have now, by those under which its gates may still name them.
-- TOUCHES   renamed HASH
local function renamed(job)
  local packed = redis.call('HGET', key('renamed'), job)
  return packed and cmsgpack.unpack(packed)[2] or {}
end
