-- @include key
-- @include drop_output
-- Counts bytes of output that were added, and drops what is beyond the bound: the oldest output of ended runs, of at
-- most sixteen a call, and never a live run's. The bytes kept.
-- TOUCHES   config HASH, meta HASH, outputs ZSET, run:<run> HASH
local function forget_outputs(added)
  local most = tonumber(redis.call('HGET', key('config'), 'output_bytes') or nil) or 268435456
  local total = redis.call('HINCRBY', key('meta'), 'output_bytes', added)
  local dropped = 0
  while total > most and dropped < 16 do
    local oldest = redis.call('ZRANGE', key('outputs'), 0, 0)[1]
    if not oldest or redis.call('EXISTS', key('run', oldest)) == 1 then break end
    total = drop_output(oldest)
    dropped = dropped + 1
  end
  return total
end
