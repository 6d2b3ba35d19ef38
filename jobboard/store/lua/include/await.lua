-- @include key
-- Writes down that a run waits for others; each of them is marked, so that only the end of a run that is
-- awaited costs anything.
-- TOUCHES   awaited:<run> SET, needs:<run> SET, run:<run> HASH
local function await(id, parents)
  for _, parent in ipairs(parents) do
    redis.call('SADD', key('needs', id), parent)
    redis.call('SADD', key('awaited', parent), id)
    redis.call('HSET', key('run', parent), 'awaited', 1)
  end
end
