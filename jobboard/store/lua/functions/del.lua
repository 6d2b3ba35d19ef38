-- Removes a job that is on no board, or calls a run off.
-- TAKES  job=text run=text reason=text by=text
-- GIVES  outcome: removed or missing; of a run cancelled, stopping, already (it is over) or unknown
-- @include now
-- @include settle
-- @include definition
if (said.job == nil) == (said.run == nil) then refuse('give a job or a run') end
local by = said.by or 'function'
if said.run then return {outcome = string.lower(ask('cancel', KEYS, {run = said.run, actor = by, unstarted = false})[1])} end
local address = string.find(said.job, '/', 1, true) and said.job or 'loose/' .. said.job
if string.sub(address, 1, 6) ~= 'loose/' then refuse('%s is on a board: jobboard rm removes it', address) end
settle(address)
local _, before = definition(address)
if not before then return {outcome = 'missing'} end
local was = spec_fields(before[5])
if was.locks or was.after or was.needs or before[6] or before[7] then
  refuse('%s has locks, parents, needs or a live edit: jobboard rm removes it', address)
end
local child = redis.call('SRANDMEMBER', key('after', address))
if child then refuse('%s runs after %s', child, address) end
local meta = cmsgpack.unpack(redis.call('HGET', key('boardmeta'), 'loose'))
meta.jobs = meta.jobs - 1
local who = {actor = by, via = 'function', host = '', reason = said.reason}
local gone = packed({spec = was, base = was, by = who, at = now()})
local answer = ask('job', KEYS, {address = address, seen = redis.call('HGET', key('boards'), 'loose'), definition = false,
  meta = packed(meta), drifted = false, deed = false, what = 'rm', by = who, detail = false,
  work = {due = false, before = {}, expected = false, gone = gone}})
if answer[1] == 'WAIT' then refuse('a sync keeps edits off for %d ms more: try again', answer[2]) end
return {outcome = 'removed'}
