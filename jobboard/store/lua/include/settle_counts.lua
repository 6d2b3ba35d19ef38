-- @include key
-- @include uncounted
-- @include fold_counts
-- Counts what was written down and not counted yet.
-- TOUCHES   uncounted LIST
local function settle_counts()
  fold_counts(uncounted())
  redis.call('DEL', key('uncounted'))
end
