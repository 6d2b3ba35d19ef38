-- @include key
-- Lists what a run waits for at its gate among all that runs of its job wait for: under the nominal it asks for or,
-- where it asks for one or more of a span, behind all of those.
-- TOUCHES   gated:<job> ZSET
local function index_gate(job, id, parent, ask)
  local exact = ask.high - ask.low == 1
  redis.call('ZADD', key('gated', job), exact and string.format('%.0f', ask.high) or '+inf', id .. ' ' .. parent)
end
