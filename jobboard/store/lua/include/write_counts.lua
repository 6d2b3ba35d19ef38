-- @include key
-- @include fold_counts
-- @include settle_counts
-- Writes down what `count` took note of. Of few ends that is all: to count each by itself would take a third of the
-- call that ends it. They are counted together once there are some of them.
-- TOUCHES   uncounted LIST
local function write_counts(counts, at)
  local batch = {at, counts.ends}
  counts.ends = {}
  if #batch[2] >= 32 then
    fold_counts({batch})
  elseif #batch[2] > 0 and redis.call('RPUSH', key('uncounted'), cmsgpack.pack(batch)) >= 16 then
    settle_counts()
  end
end
