-- @include key
-- @include descend
-- @include outcome
-- @include put_off
-- Decides the dependents of a job that was decided: at success they run, otherwise they are passed over,
-- and so are theirs. A call decides at most a hundred; what is more is kept as a list that `tick` goes on
-- with. how is 'ok' or the word for what happened instead; family and by are of a run by hand whose dependents
-- run with it: the job it began with, and who asked. seen = {count, first, last} where a whole span was passed
-- over, up to the nominal; again, where the parent was run again after dependents had been told of its end.
-- Thousands are too many to be put on a list in one call, so `tick` does that too.
-- TOUCHES   after:<parent> SET, fanout LIST, fanout:<list> SET, meta HASH, wake:<who> LIST
local follow_left = 100
local function follow(parent, nominal, suffix, how, at, depth, family, by, seen, again)
  local agenda = {{parent, nominal, suffix, how, depth or 1, family or false, by or false, seen or false,
    again or false}}
  while #agenda > 0 do
    local item = table.remove(agenda)
    local edges = key('after', item[1])
    local children = redis.call('SCARD', edges)
    if children > 0 and not item[6] then outcome(item[1], item[2], item[4]) end
    -- A chain this deep is a circle that live edits closed.
    if children == 0 or item[5] > 100 then
      children = 0
    elseif children > follow_left then
      local list = redis.call('HINCRBY', key('meta'), 'seq', 1)
      local many = children > 2000
      if not many then redis.call('SUNIONSTORE', key('fanout', list), edges) end
      redis.call('RPUSH', key('fanout'), cmsgpack.pack({list, item, many and '0'}))
      redis.call('LPUSH', key('wake', 'scheduler'), 'fanout')
      redis.call('LTRIM', key('wake', 'scheduler'), 0, 9)
      children = 0
    end
    if children > 0 then
      follow_left = follow_left - children
      local heirs = redis.call('SMEMBERS', edges)
      table.sort(heirs)
      for _, child in ipairs(heirs) do
        local passed, rest = descend(child, item, at)
        for _, one in ipairs(passed) do agenda[#agenda + 1] = one end
        if rest then put_off(child, item, rest) end
      end
    end
  end
end
