-- @include key
-- @include read_run
-- @include conclude
-- @include stop
-- Calls off the runs of a job that is gone and that wait, for whatever: so many at most, from a cursor on. Running
-- ones go on, or are stopped where it is said by whom. Answers the cursor to go on from, nil behind the last, and
-- how many it looked at. A page may be larger than what was asked for, while the set shrinks: what is left of it
-- is found again from the same cursor.
-- TOUCHES   live:<job> SET
local function disband(address, cursor, most, outcome, stopping, at)
  local page = redis.call('SSCAN', key('live', address), cursor, 'COUNT', most)
  local ended = 0
  for i, id in ipairs(page[2]) do
    local run = read_run(id)
    local waits = run and run.state ~= 'running' and run.state ~= 'stopping'
    if waits and ended == most then return cursor, i end
    if waits then
      conclude(run, 'cancelled', at, outcome)
      ended = ended + 1
    elseif run and run.state == 'running' and stopping then
      stop(run, stopping, at)
    end
  end
  return page[1] ~= '0' and page[1] or nil, #page[2]
end
