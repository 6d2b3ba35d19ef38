-- @include key
-- @include tally
-- @include merge_counts
-- Counts ends, as `uncounted` has them: by queue and minute for two days, by queue and day for 400 days, by job and day
-- for thirty. The hashes drop themselves: they are for people, and nothing depends on them.
-- TOUCHES   day:<day> HASH, jobday:<day> HASH, minute:<minute> HASH
local function fold_counts(batches)
  local minutes, days, jobdays = {}, {}, {}
  -- What is counted of a queue or a job in one stretch of time.
  local function counted(stretches, stretch, name)
    local names = stretches[stretch] or {}
    stretches[stretch], names[name] = names, names[name] or {s = {}}
    return names[name]
  end
  local function keep(hash, added, kept_s)
    local names, flat = {}, {}
    for name in pairs(added) do names[#names + 1] = name end
    for i, packed in ipairs(redis.call('HMGET', hash, unpack(names))) do
      local sum = packed and cmsgpack.unpack(packed)
      if sum then merge_counts(sum, added[names[i]]) end
      flat[2 * i - 1], flat[2 * i] = names[i], cmsgpack.pack(sum or added[names[i]])
    end
    -- Set anew while it is small, so that none is ever left without an end.
    if redis.call('HSET', hash, unpack(flat)) > 0 and redis.call('HLEN', hash) <= #flat then
      redis.call('EXPIRE', hash, kept_s)
    end
  end

  for _, batch in ipairs(batches) do
    local minute, day = math.floor(batch[1] / 60000), math.floor(batch[1] / 86400000)
    for _, one in ipairs(batch[2]) do
      local address, queue, seen = unpack(one)
      if queue then tally(counted(minutes, minute, queue), seen) end
      tally(counted(jobdays, day, address), seen)
    end
  end
  for minute, queues in pairs(minutes) do
    for queue, sum in pairs(queues) do merge_counts(counted(days, math.floor(minute / 1440), queue), sum) end
  end
  for minute, added in pairs(minutes) do keep(key('minute', minute), added, 172800) end
  for day, added in pairs(days) do keep(key('day', day), added, 34560000) end
  for day, added in pairs(jobdays) do keep(key('jobday', day), added, 2592000) end
end
