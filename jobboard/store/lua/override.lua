#!lua
-- Writes the overrides of one job: its definition with others laid over it, or with none, and its schedule entry,
-- in one step. The board must be as it was read; a repeat finds what it has written. A person's waits while a
-- sync keeps edits off (`quiet`).
-- KEYS      meta
-- ARGUMENTS address=string seen=string definition=bytes patient=bool overridden=bool ends=int work=map missed=list what=string by=map detail=map
-- TOUCHES   boards HASH, defs:<version> HASH, overrides ZSET, wake:<who> LIST
-- RETURNS   "OK" | "STALE" | "GONE" | "WAIT" {span}
-- @include guard
-- @include arguments
-- @include definition
-- @include settle
-- @include quiet_ms
-- @include admit
-- @include note
-- @include follow
-- @include now
-- @include audit
local refused = guard()
if refused then return refused end
local ENDLESS = 9007199254740991
local address = arguments.address
local raw, current = definition(address)
if not current then return cmsgpack.pack({'GONE'}) end
if raw == arguments.definition then return cmsgpack.pack({'OK'}) end
local wait_ms = arguments.patient and quiet_ms()
if wait_ms then return cmsgpack.pack({'WAIT', wait_ms}) end
local board, job = string.match(address, '^([^/]+)/(.+)$')
local at_version = redis.call('HGET', key('boards'), board)
if at_version ~= arguments.seen then return cmsgpack.pack({'STALE'}) end

local version, edits = string.match(at_version, '^(.*)%.(%d+)$')
settle(address)
redis.call('HSET', key('defs', version), job, arguments.definition)
redis.call('HSET', key('boards'), board, version .. '.' .. string.format('%d', edits + 1))
if arguments.overridden then
  redis.call('ZADD', key('overrides'), arguments.ends or ENDLESS, address)
else
  redis.call('ZREM', key('overrides'), address)
end
if arguments.missed then
  local state, why = admit(address, {g = current[4].g, o = 'allow'}, arguments.missed[3])
  state, why = state or 'missed', why or 'no scheduler looked before its override ended'
  note(address, state, why, arguments.missed, now())
  follow(address, arguments.missed[3], '', state, now(), 1, false, false, arguments.missed)
end
if arguments.work then apply(address, arguments.work) end
audit(arguments.what, address, arguments.by, arguments.detail)
redis.call('LPUSH', key('wake', 'scheduler'), 'override')
redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
return cmsgpack.pack({'OK'})
