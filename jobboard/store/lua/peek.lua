#!lua flags=no-writes
-- Shows the oldest entries of an inbox and leaves them there, as many as one call may carry. Of an entry that
-- is too large to be a run the beginning is shown.
-- KEYS      meta
-- ARGUMENTS queue=string limit=int bytes=int largest=int
-- TOUCHES   inbox:<queue> LIST
-- RETURNS   "OK" {[{sha, entry or its beginning, bytes}, ...]}
-- @include refusal
-- @include arguments
local refused = refusal()
if refused then return refused end
local shown, bytes = {}, 0
for i = 1, math.min(arguments.limit, 500) do
  local entry = redis.call('LINDEX', key('inbox', arguments.queue), -i)
  if not entry or i > 1 and bytes + #entry > arguments.bytes then break end
  bytes = bytes + #entry
  shown[i] = {redis.sha1hex(entry), #entry > arguments.largest and string.sub(entry, 1, 4096) or entry, #entry}
end
return cmsgpack.pack({'OK', shown})
