-- @include key
-- The next number of the namespace: of two runs the younger has the greater one. A script that makes many says in
-- `numbers.ahead` how many, and they are taken together; one that is left over is nobody's.
-- TOUCHES   meta HASH
local numbers = {ahead = 1, last = 0, ours = 0}
local function sequence()
  if numbers.ours == 0 then
    numbers.last, numbers.ours = redis.call('HINCRBY', key('meta'), 'seq', numbers.ahead), numbers.ahead
  end
  numbers.ours = numbers.ours - 1
  return numbers.last - numbers.ours
end
