-- @include key
-- The newest record of a run that is over, and the same as it is kept: among the last twenty of its job, else among
-- the newest thousand of all jobs, read once a call. Nothing for one that is older.
-- TOUCHES   history STREAM, last:<job> LIST
local newest = nil
local function find_record(id)
  for _, packed in ipairs(redis.call('LRANGE', key('last', string.match(id, '^[^@]*')), 0, 19)) do
    local record = cmsgpack.unpack(packed)
    if record.id == id then return record, packed end
  end
  if not newest then
    newest = {}
    for _, entry in ipairs(redis.call('XREVRANGE', key('history'), '+', '-', 'COUNT', 1000)) do
      local record = cmsgpack.unpack(entry[2][2])
      if record.id and not newest[record.id] then newest[record.id] = {record, entry[2][2]} end
    end
  end
  local found = newest[id]
  if found then return found[1], found[2] end
end
