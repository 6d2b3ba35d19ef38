-- @include key
-- All runs of a job know that it has another address: the one it had means nothing any more.
-- TOUCHES   meta HASH, moving HASH
local function arrive(was)
  redis.call('HDEL', key('moving'), was)
  if redis.call('EXISTS', key('moving')) == 0 then redis.call('HDEL', key('meta'), 'moving') end
end
