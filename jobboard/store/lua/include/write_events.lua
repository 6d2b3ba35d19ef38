-- @include key
-- Writes events that `event` took note of: one as an entry of the stream, several as one entry that has them all in its
-- field `m`. Such an entry has the id of its last, and leaves as many free before it as the others need for theirs: each
-- event has an id of its own, and whoever goes on behind one misses none.
-- TOUCHES   events STREAM
local function write_events(events)
  local page = events.page
  if #page == 0 then return end
  events.page, events.number = {}, events.number + #page
  local id = events.ms .. '-' .. string.format('%.0f', events.number)
  if #page == 1 then
    redis.call('XADD', key('events'), id, unpack(page[1]))
  else
    redis.call('XADD', key('events'), id, 'm', cmsgpack.pack(page))
  end
end
