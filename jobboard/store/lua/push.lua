#!lua
-- Makes one-off runs, each at most once: one of an id that lives or was pushed before is left alone, or
-- replaced where it has not started. A repeat of the call therefore makes nothing twice.
-- KEYS      meta
-- ARGUMENTS parcels=[{id, named, mark, address, spec, launch, epoch, revision, delay_ms, due, expires_ms,
--           expires, after, replace, by, reason}, ...]
-- RETURNS   "OK" {now, [[tag, about], ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include deliver
local refused = guard()
if refused then return refused end
local at = now()
local answers = {}
for i, parcel in ipairs(arguments.parcels) do
  local tag, about = deliver(parcel, at)
  answers[i] = {tag, about}
end
return cmsgpack.pack({'OK', at, answers})
