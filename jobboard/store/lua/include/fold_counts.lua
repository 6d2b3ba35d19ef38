-- @include key
-- @include tally
-- Counts ends, as `uncounted` has them: by queue and minute for two days, by queue and day for 400 days, by job and day
-- for thirty. The hashes drop themselves: they are for people, and nothing depends on them.
-- TOUCHES   day:<day> HASH, jobday:<day> HASH, minute:<minute> HASH
local function fold_counts(batches)
  local hashes = {}
  local function add(hash, kept_s, name, seen)
    local kept = hashes[hash] or {kept_s = kept_s, ends = {}}
    hashes[hash], kept.ends[name] = kept, kept.ends[name] or {}
    table.insert(kept.ends[name], seen)
  end
  for _, batch in ipairs(batches) do
    local at = batch[1]
    local minutes, days = key('minute', math.floor(at / 60000)), key('day', math.floor(at / 86400000))
    local jobs = key('jobday', math.floor(at / 86400000))
    for _, one in ipairs(batch[2]) do
      local address, queue, seen = unpack(one)
      if queue then
        add(minutes, 172800, queue, seen)
        add(days, 34560000, queue, seen)
      end
      add(jobs, 2592000, address, seen)
    end
  end
  for hash, kept in pairs(hashes) do
    local names, flat = {}, {}
    for name in pairs(kept.ends) do names[#names + 1] = name end
    for i, packed in ipairs(redis.call('HMGET', hash, unpack(names))) do
      local counted = packed and cmsgpack.unpack(packed) or {s = {}}
      for _, seen in ipairs(kept.ends[names[i]]) do tally(counted, seen) end
      flat[2 * i - 1], flat[2 * i] = names[i], cmsgpack.pack(counted)
    end
    -- Set anew while it is small, so that none is ever left without an end.
    if redis.call('HSET', hash, unpack(flat)) > 0 and redis.call('HLEN', hash) <= #flat then
      redis.call('EXPIRE', hash, kept.kept_s)
    end
  end
end
