-- Writes what `tally` counted. The hashes drop themselves: they are for people, and nothing depends on them.
local function write_counts(tallies)
  for hash, fields in pairs(tallies) do
    local flat = {}
    for field, counted in pairs(fields.counted) do
      flat[#flat + 1] = field
      flat[#flat + 1] = cmsgpack.pack(counted)
    end
    -- Set anew while it is small, so that none is ever left without an end.
    if redis.call('HSET', hash, unpack(flat)) > 0 and redis.call('HLEN', hash) <= #flat then
      redis.call('EXPIRE', hash, fields.kept_s)
    end
  end
end
