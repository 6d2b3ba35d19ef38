#!lua
-- Writes or removes one job outside of any sync, with its schedule entry, in one step: its board must be as it
-- was read. A job that goes leaves a tombstone, and its runs that have not started are called off with it: a page
-- of them at once, the others by `drain`.
-- KEYS      meta
-- ARGUMENTS address=string seen=string definition=bytes meta=bytes drifted=bool deed=map work=map
--           what=string by=map detail=map
-- TOUCHES   boardmeta HASH, boards HASH, defs:<version> HASH, edits HASH, meta HASH, wake:<who> LIST,
--           work LIST, work:<stage> HASH
-- RETURNS   "OK" | "STALE" | "WAIT" {span}
-- @include guard
-- @include arguments
-- @include now
-- @include settle
-- @include quiet_ms
-- @include mark_drift
-- @include disband
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
local address = arguments.address
local board, job = string.match(address, '^([^/]+)/(.+)$')
local current = redis.call('HGET', key('boards'), board) or false
local version = current and string.match(current, '^(.*)%.%d+$') or board
local defs = key('defs', version)
if (redis.call('HGET', defs, job) or false) == arguments.definition then return cmsgpack.pack({'OK'}) end
local wait_ms = quiet_ms()
if wait_ms then return cmsgpack.pack({'WAIT', wait_ms}) end
if current ~= arguments.seen then return cmsgpack.pack({'STALE'}) end

settle(address)
local edits = current and string.match(current, '%.(%d+)$') or 0
redis.call('HSET', key('boards'), board, version .. '.' .. string.format('%d', edits + 1))
redis.call('HSET', key('boardmeta'), board, arguments.meta)
mark_drift(board, job, arguments.drifted)
if arguments.definition then
  redis.call('HSET', defs, job, arguments.definition)
else
  redis.call('HDEL', defs, job)
end
if arguments.work then apply(address, arguments.work) end
redis.call('HDEL', key('edits'), address)
if arguments.deed then
  arguments.deed.at = at
  redis.call('HSET', key('edits'), address, cmsgpack.pack({job = arguments.deed}))
end
if not arguments.definition then
  local why = 'the job was removed'
  local left = disband(address, '0', 50, {reason = why, quiet = true}, false, at)
  if left then
    local stage = redis.call('HINCRBY', key('meta'), 'seq', 1)
    redis.call('HSET', key('work', stage), address, cmsgpack.pack({disband = left, why = why}))
    redis.call('RPUSH', key('work'), stage)
  end
end
audit(arguments.what, address, arguments.by, arguments.detail)
redis.call('LPUSH', key('wake', 'scheduler'), 'job')
redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
return cmsgpack.pack({'OK'})
