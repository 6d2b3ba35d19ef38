-- @include key
-- The current definition of a job: its packed value and the same decoded, or nil where the board or the
-- job is not there.
-- TOUCHES   boards HASH, defs:<version> HASH
local function definition(address)
  local board, job = string.match(address, '^([^/]+)/(.+)$')
  local current = board and redis.call('HGET', key('boards'), board)
  if not current then return nil end
  local raw = redis.call('HGET', key('defs', (string.match(current, '^(.*)%.%d+$'))), job)
  if not raw then return nil end
  return raw, cmsgpack.unpack(raw)
end
