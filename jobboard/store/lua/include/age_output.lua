-- @include key
-- @include drop_output
-- Does with the output of a run that has ended as its job says: keeps it for a while, or only as long as it is among
-- the last of its job, or not at all.
-- spans = {ms after a good end, ms after another, how many runs' output}; false for as long as there is room, 0 for
-- not at all
-- TOUCHES   aging ZSET, kept:<job> ZSET, outputs ZSET
local function age_output(run, spans, state, at)
  local span_ms = spans[state == 'ok' and 1 or 2]
  if span_ms == 0 then drop_output(run) end
  if not redis.call('ZSCORE', key('outputs'), run) then return end
  if span_ms then redis.call('ZADD', key('aging'), at + span_ms, run) end
  if spans[3] then
    -- By the address in its id, which is what `drop_output` has to go by.
    local kept = key('kept', string.match(run, '^[^@]*'))
    redis.call('ZADD', kept, at, run)
    local beyond = math.min(redis.call('ZCARD', kept) - spans[3], 16)
    for _, old in ipairs(beyond > 0 and redis.call('ZRANGE', kept, 0, beyond - 1) or {}) do drop_output(old) end
  end
end
