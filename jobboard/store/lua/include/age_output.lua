-- @include key
-- @include drop_output
-- Does with the output of a run that has ended as its job says: keeps it for a while, or not at all.
-- spans = {ms after a good end, ms after another}; false for as long as there is room, 0 for not at all
-- TOUCHES   aging ZSET, outputs ZSET
local function age_output(run, spans, state, at)
  local span_ms = spans[state == 'ok' and 1 or 2]
  if span_ms == 0 then drop_output(run) end
  if span_ms and span_ms > 0 and redis.call('ZSCORE', key('outputs'), run) then
    redis.call('ZADD', key('aging'), at + span_ms, run)
  end
end
