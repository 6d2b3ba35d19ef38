-- Passes over the next runs that a job's schedule, or the jobs before it, would start; with 0 none after all.
-- TAKES  job=text count=whole reason=text by=text
-- GIVES  left, before: how many were to be skipped until now
-- @include now
-- @include definition
-- @include in_force
local count = said.count or 1
if not said.job then refuse('job: which one?') end
if count < 0 or count > 10000 then refuse('count: it lies between 0 and 10000') end
local _, d = definition(said.job)
if not d then refuse('there is no job %s', said.job) end
local fields = spec_fields(in_force(d, now())[5])
if count > 0 and not fields.schedule and not fields.after then refuse('%s is run by hand: it has no next run', said.job) end
local answer = ask('skip_next', KEYS, {address = said.job, count = count, reason = said.reason or '',
  by = {actor = said.by or 'function', via = 'function', host = ''}})
return {left = count, before = answer[2]}
