#!lua flags=allow-oom
-- Calls a run off: one that is not running ends here and now; of a running one the worker is told, and the
-- run is stopping until the worker says how it ended.
-- KEYS      meta
-- ARGUMENTS run=string actor=string unstarted=bool
-- RETURNS   "CANCELLED" | "STOPPING" | "ALREADY" | "UNKNOWN" | "STARTED"
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include find_record
-- @include call_off
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
local run = read_run(arguments.run)
if not run and find_record(arguments.run) then return cmsgpack.pack({'ALREADY'}) end
if not run then return cmsgpack.pack({'UNKNOWN'}) end
if arguments.unstarted and run.state == 'running' then return cmsgpack.pack({'STARTED'}) end
if run.state == 'stopping' then return cmsgpack.pack({'ALREADY'}) end
audit('cancel', run.id, {actor = arguments.actor})
if call_off(run, arguments.actor, at) == 'STOPPING' then return cmsgpack.pack({'STOPPING'}) end
return cmsgpack.pack({'CANCELLED'})
