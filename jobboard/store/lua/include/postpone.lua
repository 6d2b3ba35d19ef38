-- @include key
-- @include remind
-- Puts a run among the delayed, to go to its queue at an instant.
-- TOUCHES   delay ZSET
local function postpone(id, due)
  remind(key('delay'), id, due)
end
