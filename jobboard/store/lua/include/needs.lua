-- @include key
-- @include read_run
-- @include find_record
-- Which of the runs that another is to wait for are not over. Answers them, or nil with a tag and the run
-- that stands in the way: not known, ended badly, awaited by too many, or waiting for the other itself.
-- TOUCHES   awaited:<run> SET, needs:<run> SET
local function needs(id, parents)
  local open = {}
  for _, parent in ipairs(parents) do
    local run = read_run(parent)
    if not run then
      local record = find_record(parent)
      if not record then return nil, 'MISSING', parent end
      if record.state ~= 'ok' then return nil, 'ENDED', parent end
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
