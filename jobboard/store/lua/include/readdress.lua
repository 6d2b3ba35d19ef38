-- @include key
-- @include made
-- @include read_run
-- Tells runs of a job that has another address now: so many at most, from a cursor on. Answers the cursor to go on from,
-- nil behind the last, and how many there were; a page may be somewhat larger than what was asked for.
-- TOUCHES   live:<job> SET, run:<run> HASH
local function readdress(address, cursor, most)
  local page = redis.call('SSCAN', key('live', address), cursor, 'COUNT', most)
  for _, id in ipairs(page[2]) do
    local run = read_run(id)
    if run then
      run.job = address
      redis.call('HSET', key('run', id), 'made', made(run))
    end
  end
  return page[1] ~= '0' and page[1] or nil, #page[2]
end
