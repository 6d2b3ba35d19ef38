-- @include key
-- The packed definitions of many jobs, by their addresses: two looks for all jobs of a board. Of a job that is not
-- there, there is none.
-- TOUCHES   boards HASH, defs:<version> HASH
local function definitions(addresses)
  local boards, jobs, found = {}, {}, {}
  for _, address in ipairs(addresses) do
    local board, job = string.match(address, '^([^/]+)/(.+)$')
    if board and not jobs[board] then
      boards[#boards + 1], jobs[board] = board, {}
    end
    if board then table.insert(jobs[board], job) end
  end
  for i, current in ipairs(#boards > 0 and redis.call('HMGET', key('boards'), unpack(boards)) or {}) do
    local named = jobs[boards[i]]
    local version = current and string.match(current, '^(.*)%.%d+$')
    for j, raw in ipairs(version and redis.call('HMGET', key('defs', version), unpack(named)) or {}) do
      found[boards[i] .. '/' .. named[j]] = raw or nil
    end
  end
  return found
end
