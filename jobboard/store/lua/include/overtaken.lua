-- @include key
-- @include event
-- @include find_record
-- What became of an attempt that is not its run's present one: its result was taken before, or it is fenced
-- off, and the run, where it still lives, remembers that two overlapped.
-- TOUCHES   run:<run> HASH
local function overtaken(id, token, run, worker, at)
  local record = not run and find_record(id)
  for _, try in ipairs((run or record or {}).tries or {}) do
    if try.token == token and try.state ~= 'lost' then return 'ALREADY' end
  end
  if record and record.token == token and record.state ~= 'lost' then return 'ALREADY' end
  if run then redis.call('HSET', key('run', id), 'overlapped', 1) end
  event('fenced', string.match(id, '^[^@]*'), id, at, 'worker', worker)
  return 'FENCED'
end
