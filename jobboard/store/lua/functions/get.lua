#!lua flags=no-writes
-- Shows a job, as it is defined, or a run, as far as it is.
-- TAKES  job=text run=text
-- GIVES  of a job: job, spec, revision, due; of a run: run, job, state and what is known of it; null for neither
-- @include key
-- @include now
-- @include definition
-- @include due_of
-- @include in_force
-- @include instant
-- @include find_record
-- @include read_run
if (said.job == nil) == (said.run == nil) then refuse('give a job or a run') end
if said.job then
  local _, d = definition(said.job)
  if not d then return cjson.null end
  local due = due_of(said.job)
  return {job = said.job, spec = spec_fields(in_force(d, now())[5]), revision = d[3], due = due and instant(due) or cjson.null}
end
local run = read_run(said.run)
if run then
  local progress = redis.call('HGET', key('run', said.run), 'progress')
  progress = progress and cmsgpack.unpack(progress)
  return {run = said.run, job = run.job, state = run.state, attempt = run.attempt, queue = run.queue, worker = run.worker or cjson.null,
    queued = instant(run.queued_at), trigger = run.trigger, by = run.by,
    percent = progress and progress.percent or cjson.null, text = progress and progress.text or cjson.null}
end
local record = find_record(said.run)
if not record then return cjson.null end
return {run = said.run, job = record.job, state = record.state, attempt = record.attempt, exit = record.exit or cjson.null,
  reason = record.reason or cjson.null, worker = record.worker or cjson.null,
  ended = record.ended_at and instant(record.ended_at) or cjson.null}
