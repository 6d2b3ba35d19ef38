-- @include key
-- @include now
-- @include carry
-- @include heed
-- @include relook
-- @include keep_edits
-- @include remind
-- Puts one job's schedule entry in line with its definition, as the sync that staged the entry worked it
-- out: {due, cursor, before = old parents, after = new parents, expected, apart = the paths in which it still
-- differs from its file, gone = tombstone, stone = that of a job that stays gone}; what it does not name stays. A
-- claim made before is void where the schedule moved: its scheduler computed with what no longer holds. asks = those of its new parents whose runs
-- are to be remembered, for reach ms; renamed = the addresses of parents that have others now, by those they had.
-- Where the job waits for some of its parents, `tick` looks at that again. A
-- job that has another address has an entry under each: {to, before} under the one it had, and under its own
-- {from, …}.
-- TOUCHES   after:<parent> SET, asks:<job> ZSET, buried ZSET, claim HASH, claims ZSET, cursor HASH,
--           edits HASH, expected ZSET, incidents HASH, overrides ZSET, sched ZSET, skips HASH, tombstones HASH, used HASH
local function apply(address, entry)
  for _, parent in ipairs(entry.before or {}) do redis.call('SREM', key('after', parent), address) end
  if entry.to then
    for _, parent in ipairs(entry.before or {}) do redis.call('ZREM', key('asks', parent), address) end
    return carry(address, entry.to)
  end
  if entry.from then carry(entry.from, address) end
  if entry.apart then keep_edits(address, entry.apart) end
  for _, parent in ipairs(entry.after or {}) do redis.call('SADD', key('after', parent), address) end
  if entry.due ~= nil then
    redis.call('ZREM', key('claims'), address)
    redis.call('HDEL', key('claim'), address)
  end
  if entry.due then
    redis.call('ZADD', key('sched'), entry.due, address)
  elseif entry.due == false then
    redis.call('ZREM', key('sched'), address)
  end
  if entry.expected then
    remind(key('expected'), address, entry.expected)
  elseif entry.expected == false then
    redis.call('ZREM', key('expected'), address)
    redis.call('HDEL', key('incidents'), address)
  end
  if entry.cursor then redis.call('HSET', key('cursor'), address, entry.cursor) end
  if entry.before or entry.after then
    heed(address, entry.before or {}, entry.asks or {}, entry.reach)
    relook(address, entry.gone, entry.renamed)
  end
  if entry.gone then
    redis.call('HDEL', key('cursor'), address)
    redis.call('HDEL', key('used'), address)
    redis.call('HDEL', key('edits'), address)
    redis.call('ZREM', key('overrides'), address)
    redis.call('HDEL', key('skips'), address)
    redis.call('HSET', key('tombstones'), address, entry.gone)
    redis.call('ZADD', key('buried'), now(), address)
  elseif entry.stone then
    redis.call('HSET', key('tombstones'), address, entry.stone)
  else
    redis.call('HDEL', key('tombstones'), address)
    redis.call('ZREM', key('buried'), address)
  end
end
