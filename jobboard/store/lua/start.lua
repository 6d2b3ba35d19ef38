#!lua
-- A run by hand. Its nominal is now; `mark` makes its id unique and lets a repeat of the call find the run it
-- has made. What stands in the way is answered in words, and `force` goes past a hold and a disabled job.
-- KEYS      meta
-- ARGUMENTS address=string by=string reason=string mark=string force=bool respect_overlap=bool with_dependents=bool
-- TOUCHES   last:<job> LIST, live:<job> SET, run:<run> HASH
-- RETURNS   "STARTED" {run} | "UNKNOWN" | "HELD" {why} | "DISABLED" | "SKIPPED" {why}
-- @include guard
-- @include arguments
-- @include now
-- @include definition
-- @include in_force
-- @include settle
-- @include admit
-- @include create
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
local ending = '-' .. arguments.mark
for _, id in ipairs(redis.call('SMEMBERS', key('live', address))) do
  if string.sub(id, -#ending) == ending then return cmsgpack.pack({'STARTED', id}) end
end
for _, packed in ipairs(redis.call('LRANGE', key('last', address), 0, 19)) do
  local id = cmsgpack.unpack(packed).id
  if id and string.sub(id, -#ending) == ending then return cmsgpack.pack({'STARTED', id}) end
end
if d[4].d and not arguments.force then return cmsgpack.pack({'DISABLED'}) end
local state, why, turn = admit(address, d[4], at)
if state == 'held' and not arguments.force then return cmsgpack.pack({'HELD', why}) end
if (state == 'skipped' or turn) and arguments.respect_overlap then
  return cmsgpack.pack({'SKIPPED', why or 'overlap: it has unfinished runs'})
end
local id = address .. '@' .. instant(at) .. ending
create(id, address, at, d, {trigger = 'manual', at = at, by = arguments.by, reason = arguments.reason,
  family = arguments.with_dependents and address})
if arguments.force then redis.call('HSET', key('run', id), 'forced', 1) end
audit('run', id, {actor = arguments.by}, {reason = arguments.reason})
return cmsgpack.pack({'STARTED', id})
