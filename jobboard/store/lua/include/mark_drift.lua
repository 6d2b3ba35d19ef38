-- @include key
-- Notes, among the drifted jobs of its board, whether a job differs from what its file said last.
-- TOUCHES   drift HASH
local function mark_drift(board, job, drifted)
  local jobs = {}
  for _, name in ipairs(cmsgpack.unpack(redis.call('HGET', key('drift'), board) or cmsgpack.pack({}))) do
    if name ~= job then jobs[#jobs + 1] = name end
  end
  if drifted then jobs[#jobs + 1] = job end
  if #jobs > 0 then
    redis.call('HSET', key('drift'), board, cmsgpack.pack(jobs))
  else
    redis.call('HDEL', key('drift'), board)
  end
end
