-- @include key
-- @include read_run
-- Which of the runs that another is to wait for are not over. Answers them, or nil with a tag and the run
-- that stands in the way: not known, ended badly, awaited by too many, or waiting for the other itself.
-- TOUCHES   awaited:<run> SET, last:<job> LIST, needs:<run> SET
local function needs(id, parents)
  local open = {}
  for _, parent in ipairs(parents) do
    local run = read_run(parent)
    if not run then
      local state = nil
      for _, packed in ipairs(redis.call('LRANGE', key('last', string.match(parent, '^[^@]*')), 0, 19)) do
        local record = cmsgpack.unpack(packed)
        if record.id == parent then state = state or record.state end
      end
      if state ~= 'ok' then return nil, state and 'ENDED' or 'MISSING', parent end
    else
      if redis.call('SCARD', key('awaited', parent)) >= 500 then return nil, 'CROWDED', parent end
      open[#open + 1] = parent
    end
  end
  local agenda, seen = {unpack(open)}, {}
  while #agenda > 0 do
    local next_id = table.remove(agenda)
    if next_id == id then return nil, 'CIRCLE', id end
    if not seen[next_id] then
      seen[next_id] = true
      for _, above in ipairs(redis.call('SMEMBERS', key('needs', next_id))) do agenda[#agenda + 1] = above end
    end
  end
  return open
end
