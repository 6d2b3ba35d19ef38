-- @include key
-- What a live run was made with where format 1.0 kept it, in a field each, in the order in which `made` keeps it now; nil
-- where there is no such run.
-- TOUCHES   run:<run> HASH
local function made_before(id)
  local v = redis.call('HMGET', key('run', id), 'job', 'nominal', 'queue', 'score', 'launch', 'epoch', 'revision', 'trigger',
    'queued_at', 'due_at', 'by', 'family')
  if not v[1] then return nil end
  for _, i in ipairs({2, 4, 6, 7, 9, 10}) do v[i] = tonumber(v[i]) end
  v[5] = cmsgpack.unpack(v[5])
  return v
end
