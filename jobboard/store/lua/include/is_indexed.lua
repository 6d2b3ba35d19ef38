-- @include key
-- Whether all gates are listed by job. Those that were made before there was such a list are added by `tick`, and what
-- asks for them waits for that.
-- TOUCHES   meta HASH
local function is_indexed()
  return redis.call('HGET', key('meta'), 'indexed') == '1'
end
