-- What a run was made with, as its hash keeps it: in one value, since it seldom changes, is always read as a whole, and
-- a dozen fields would each cost as much as this one.
local function made(run)
  return cmsgpack.pack({run.job, run.nominal, run.queue, run.score, run.launch, run.epoch, run.revision, run.trigger,
    run.queued_at, run.due_at, run.by, run.family or false})
end
