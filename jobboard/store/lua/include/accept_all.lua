-- @include accept
-- @include add_up
-- Takes the results of attempts, one by one, and does once for all of them what can be; what became of each, in a word.
local function accept_all(results, worker, at)
  return add_up(results, at, function(result) return accept(result, worker, at) end)
end
