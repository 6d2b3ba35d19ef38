#!lua flags=allow-oom
-- Takes the results of attempts. A result counts only under the token its attempt was handed out with; what
-- a worker sends after its run was given to another is fenced off, and the run remembers that two overlapped.
-- Instants come as spans before now, so that no worker's clock is ever written down.
-- KEYS      meta
-- ARGUMENTS worker=string results=[{run, token, verdict, delay_ms, exit, signal, reason, started_ago_ms,
--           ended_ago_ms, output_bytes, dropped_bytes, group}, ...]
-- RETURNS   "OK" {now, [tag, ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include accept_all
local refused = guard()
if refused then return refused end
local at = now()
local tags = accept_all(arguments.results, arguments.worker, at)
return cmsgpack.pack({'OK', at, tags})
