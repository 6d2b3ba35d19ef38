-- @include arguments
-- Notes what does not hold together, and answers whether to mend it.
local problems = {}
local function broken(subject, words)
  problems[#problems + 1] = {subject, words}
  return arguments.repair
end
