-- @include key
-- Drops what is kept of a run's output; the bytes that are kept of all of them then.
-- TOUCHES   aging ZSET, kept:<job> ZSET, meta HASH, out:<run> STREAM, outbytes HASH, outputs ZSET
local function drop_output(run)
  local bytes = tonumber(redis.call('HGET', key('outbytes'), run) or 0)
  redis.call('UNLINK', key('out', run))
  redis.call('HDEL', key('outbytes'), run)
  redis.call('ZREM', key('outputs'), run)
  redis.call('ZREM', key('aging'), run)
  redis.call('ZREM', key('kept', string.match(run, '^[^@]*')), run)
  -- Of nothing, -bytes would be -0, which Redis 7.0 does not take for a number.
  return redis.call('HINCRBY', key('meta'), 'output_bytes', 0 - bytes)
end
