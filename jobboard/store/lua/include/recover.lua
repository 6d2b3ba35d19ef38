-- @include key
-- @include event
-- Ends an incident; answers whether it was open.
-- TOUCHES   incidents HASH
local function recover(subject, job, at)
  if redis.call('HDEL', key('incidents'), subject) == 0 then return false end
  event('recovered', job, subject ~= job and subject or nil, at)
  return true
end
