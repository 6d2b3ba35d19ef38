-- @include key
-- @include tally
-- Writes what `count` took down. The hashes drop themselves: they are for people, and nothing depends on them.
-- counts = {queues, jobs}, each {name = what was seen of it, ...}
-- TOUCHES   day:<day> HASH, jobday:<day> HASH, minute:<minute> HASH
local function write_counts(counts, at)
  local function add(hash, ends, kept_s)
    local names, flat = {}, {}
    for name in pairs(ends) do names[#names + 1] = name end
    if #names == 0 then return end
    for i, packed in ipairs(redis.call('HMGET', hash, unpack(names))) do
      local counted = packed and cmsgpack.unpack(packed) or {s = {}}
      for _, seen in ipairs(ends[names[i]]) do tally(counted, seen) end
      flat[2 * i - 1], flat[2 * i] = names[i], cmsgpack.pack(counted)
    end
    -- Set anew while it is small, so that none is ever left without an end.
    if redis.call('HSET', hash, unpack(flat)) > 0 and redis.call('HLEN', hash) <= #flat then
      redis.call('EXPIRE', hash, kept_s)
    end
  end
  local day = math.floor(at / 86400000)
  add(key('minute', math.floor(at / 60000)), counts.queues, 172800)
  add(key('day', day), counts.queues, 34560000)
  add(key('jobday', day), counts.jobs, 2592000)
  counts.queues, counts.jobs = {}, {}
end
