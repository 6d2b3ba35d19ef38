#!lua flags=allow-oom
-- Deals with entries that were set aside: back into their inbox, ahead of what came later, or away. One that
-- was too large is kept in part, and cannot go back.
-- KEYS      meta
-- ARGUMENTS ids=[id, ...] again=bool by=map
-- TOUCHES   inbox:<queue> LIST, rejected STREAM
-- RETURNS   "OK" {dealt with, [id kept in part, ...]}
-- @include guard
-- @include arguments
-- @include audit
local refused = guard()
if refused then return refused end
local dealt, partial = 0, {}
for _, id in ipairs(arguments.ids) do
  local found = redis.call('XRANGE', key('rejected'), id, id)[1]
  local said = {}
  for i = 1, found and #found[2] or 0, 2 do said[found[2][i]] = found[2][i + 1] end
  local whole = found and #said.entry == tonumber(said.bytes)
  if found and arguments.again and not whole then
    partial[#partial + 1] = id
  elseif found then
    if arguments.again then redis.call('RPUSH', key('inbox', said.queue), said.entry) end
    redis.call('XDEL', key('rejected'), id)
    audit(arguments.again and 'again' or 'drop', 'inbox ' .. said.queue, arguments.by, {id = id, reason = said.reason})
    dealt = dealt + 1
  end
end
return cmsgpack.pack({'OK', dealt, partial})
