-- @include key
-- Keeps what is remembered of a job's runs in line with who asks for it. What the job's last records say is
-- taken over when the first one asks; when none does any more, it is dropped. before = the jobs that one asked,
-- asked = those it asks now, reach = how far back in ms
-- TOUCHES   asks:<job> ZSET, last:<job> LIST, outcomes:<job> ZSET, told HASH
local function heed(child, before, asked, reach)
  for _, job in ipairs(before) do redis.call('ZREM', key('asks', job), child) end
  for _, job in ipairs(asked) do
    redis.call('ZADD', key('asks', job), reach, child)
    if redis.call('EXISTS', key('outcomes', job)) == 0 then
      for _, packed in ipairs(redis.call('LRANGE', key('last', job), 0, 19)) do
        local record = cmsgpack.unpack(packed)
        if record.trigger ~= 'manual' and redis.call('ZCOUNT', key('outcomes', job), record.nominal, record.nominal) == 0 then
          redis.call('ZADD', key('outcomes', job), record.nominal, string.format('%.0f:%s', record.nominal, record.state))
        end
      end
    end
  end
  for _, job in ipairs(before) do
    if redis.call('EXISTS', key('asks', job)) == 0 then
      redis.call('DEL', key('outcomes', job))
      redis.call('HDEL', key('told'), job)
    end
  end
end
