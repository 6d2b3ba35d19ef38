-- @include key
-- @include event
-- What became of an attempt that is not its run's present one: its result was taken before, or it is fenced
-- off, and the run, where it still lives, remembers that two overlapped.
-- TOUCHES   last:<job> LIST, run:<run> HASH
local function overtaken(id, token, run, worker, at)
  local job = string.match(id, '^[^@]*')
  local tries = run and run.tries or {}
  for _, packed in ipairs(run and {} or redis.call('LRANGE', key('last', job), 0, 19)) do
    local record = cmsgpack.unpack(packed)
    if record.id == id then
      tries = record.tries or {}
      tries[#tries + 1] = record
    end
  end
  for _, try in ipairs(tries) do
    if try.token == token and try.state ~= 'lost' then return 'ALREADY' end
  end
  if run then redis.call('HSET', key('run', id), 'overlapped', 1) end
  event('fenced', job, id, at, 'worker', worker)
  return 'FENCED'
end
