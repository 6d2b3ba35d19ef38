#!lua flags=allow-oom
-- Takes back runs that a worker reserved and never started: to their old places, nothing counted.
-- KEYS      meta
-- ARGUMENTS worker=string runs=[{run, token}, ...]
-- RETURNS   "OK" {now, given}
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include requeue
-- @include conclude
local refused = guard()
if refused then return refused end
local at = now()
local given = 0
for _, pair in ipairs(arguments.runs) do
  local run = read_run(pair[1])
  if run and run.token == pair[2] and run.worker == arguments.worker then
    if run.cancel then
      conclude(run, 'cancelled', at, {reason = 'cancelled by ' .. run.cancel})
    else
      requeue(run, at)
    end
    given = given + 1
  end
end
return cmsgpack.pack({'OK', at, given})
