#!lua
-- Has runs that did not end well run again, each under its own id and nominal: the next attempt of what it was,
-- with the definition there is now. It never runs beside another of its job where the job forbids that, but
-- waits in the job's line. `mark` lets a repeat of the call find what it has made.
-- KEYS      meta
-- ARGUMENTS runs=[[run, record or false], ...] by=string reason=string mark=string force=bool
-- RETURNS   "OK" {now, [[tag, about], ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include again
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
local how = {by = arguments.by, reason = arguments.reason, mark = arguments.mark, force = arguments.force, at = at}
local answers = {}
for i, wanted in ipairs(arguments.runs) do
  local tag, about = again(wanted[1], wanted[2], how)
  if tag == 'RETRIED' then audit('retry', wanted[1], {actor = arguments.by}, {reason = arguments.reason}) end
  answers[i] = {tag, about or ''}
end
return cmsgpack.pack({'OK', at, answers})
