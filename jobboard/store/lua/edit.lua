#!lua
-- A live edit: one job's definition, in place, with its schedule entry, in one step. The board's count of
-- edits moves, so that a plan made before is stale. An edit that has been made already is made: its reply got
-- lost. The definition must be, byte for byte, the one that was read: a sync that only records what the file
-- says moves neither epoch nor generation, and its base would be undone. It waits while a sync keeps edits off
-- (`quiet`): the answer says for how long at most.
-- KEYS      meta
-- ARGUMENTS address=string seen=bytes definition=bytes work=map by=map paths=[path, ...] apart=[path, ...] changes=list
-- TOUCHES   boards HASH, defs:<version> HASH, edits HASH, wake:<who> LIST
-- RETURNS   "OK" | "STALE" | "GONE" | "WAIT" {span}
-- @include guard
-- @include arguments
-- @include definition
-- @include settle
-- @include quiet_ms
-- @include keep_edits
-- @include mark_drift
-- @include now
-- @include audit
local refused = guard()
if refused then return refused end
local address = arguments.address
local raw = definition(address)
if not raw then return cmsgpack.pack({'GONE'}) end
if raw == arguments.definition then return cmsgpack.pack({'OK'}) end
local wait_ms = quiet_ms()
if wait_ms then return cmsgpack.pack({'WAIT', wait_ms}) end
if raw ~= arguments.seen then return cmsgpack.pack({'STALE'}) end

local board, job = string.match(address, '^([^/]+)/(.+)$')
local version, edits = string.match(redis.call('HGET', key('boards'), board), '^(.*)%.(%d+)$')
settle(address)
redis.call('HSET', key('defs', version), job, arguments.definition)
redis.call('HSET', key('boards'), board, version .. '.' .. (edits + 1))
mark_drift(board, job, #arguments.apart > 0)
if arguments.work then apply(address, arguments.work) end
local edits_made = cmsgpack.unpack(redis.call('HGET', key('edits'), address) or cmsgpack.pack({}))
for _, path in ipairs(arguments.paths) do
  edits_made[path] = {actor = arguments.by.actor, via = arguments.by.via, at = now()}
end
redis.call('HSET', key('edits'), address, cmsgpack.pack(edits_made))
keep_edits(address, arguments.apart)
audit('set', address, arguments.by, arguments.changes)
redis.call('LPUSH', key('wake', 'scheduler'), 'edit')
redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
return cmsgpack.pack({'OK'})
