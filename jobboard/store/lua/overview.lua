#!lua flags=no-writes
-- How jobs stand at one instant: when each is due, what of it lives, one of that and its state, its last run and
-- what was decided since.
-- A list of ten thousand jobs is a few of these calls instead of fifty thousand commands.
-- KEYS      meta
-- ARGUMENTS addresses=list
-- TOUCHES   last:<job> LIST, live:<job> SET, run:<run> HASH, used HASH
-- RETURNS   "OK" {[[due, live, state, used, latest, run, unfinished], ...]}
-- @include refusal
-- @include arguments
-- @include key
-- @include due_of
local refused = refusal()
if refused then return refused end

-- The newest record, and the newest that is a run: five back, since what is passed over in a row is one.
local function newest(address)
  local latest, run = nil, nil
  for _, packed in ipairs(redis.call('LRANGE', key('last', address), 0, 4)) do
    latest = latest or packed
    if cmsgpack.unpack(packed).id then
      run = packed
      break
    end
  end
  return latest or false, run ~= latest and run or false
end

local answers = {}
for i, address in ipairs(arguments.addresses) do
  local latest, run = newest(address)
  local live = redis.call('SRANDMEMBER', key('live', address))
  local state = live and redis.call('HGET', key('run', live), 'state')
  answers[i] = {due_of(address) or false, redis.call('SCARD', key('live', address)), state or false,
    tonumber(redis.call('HGET', key('used'), address) or 0), latest, run, live or false}
end
return cmsgpack.pack({'OK', answers})
