-- @include key
-- @include event
-- Opens an incident: something is wrong, and stays so until it is right again, whoever looks meanwhile. One
-- that is open stays as it began. kind = 'late' for a run that is not over in time, by its id; 'overdue' for
-- a job that should have ended ok again, by its address.
-- TOUCHES   incidents HASH
local function incident(kind, subject, job, at)
  if redis.call('HSETNX', key('incidents'), subject, cmsgpack.pack({kind = kind, job = job, since = at})) == 0 then return end
  event(kind, job, kind == 'late' and subject or nil, at)
end
