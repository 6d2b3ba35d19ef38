#!lua
-- A run by hand. Its nominal is now. By `mark` a repeat of the call, within ten minutes, finds the run it has
-- made; the mark's beginning is enough for an id, save where a run of the same millisecond has it. What stands in
-- the way is answered in words, and `force` goes past a hold and a disabled job.
-- KEYS      meta
-- ARGUMENTS address=string by=string reason=string mark=string force=bool respect_overlap=bool with_dependents=bool
-- TOUCHES   pushed ZSET, run:<run> HASH
-- RETURNS   "STARTED" {run} | "UNKNOWN" | "HELD" {why} | "DISABLED" | "SKIPPED" {why}
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include in_force
-- @include settle
-- @include admit
-- @include create
-- @include forget_pushed
-- @include instant
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
local address = arguments.address
settle(address)
local _, d = definition(address)
if not d then return cmsgpack.pack({'UNKNOWN'}) end
d = in_force(d, at)
local mark, REMEMBERED_MS = arguments.mark, 600000
local function id_at(instant_ms, suffix) return address .. '@' .. instant(instant_ms) .. '-' .. suffix end
for _, suffix in ipairs({mark:sub(1, 6), mark}) do
  local known = redis.call('ZSCORE', key('pushed'), address .. '#' .. mark .. '#' .. suffix)
  if known then return cmsgpack.pack({'STARTED', id_at(known - REMEMBERED_MS, suffix)}) end
end
if d[4].d and not arguments.force then return cmsgpack.pack({'DISABLED'}) end
local state, why, turn = admit(address, d[4], at)
if state == 'held' and not arguments.force then return cmsgpack.pack({'HELD', why}) end
if (state == 'skipped' or turn) and arguments.respect_overlap then
  return cmsgpack.pack({'SKIPPED', why or 'overlap: it has unfinished runs'})
end
local suffix = mark:sub(1, 6)
if redis.call('EXISTS', key('run', id_at(at, suffix))) == 1 then suffix = mark end
local id = id_at(at, suffix)
redis.call('ZADD', key('pushed'), at + REMEMBERED_MS, address .. '#' .. mark .. '#' .. suffix)
forget_pushed(at, 16)
create(id, address, at, d, {trigger = 'manual', at = at, by = arguments.by, reason = arguments.reason,
  family = arguments.with_dependents and address})
if arguments.force then redis.call('HSET', key('run', id), 'forced', 1) end
audit('run', id, {actor = arguments.by}, {reason = arguments.reason})
return cmsgpack.pack({'STARTED', id})
