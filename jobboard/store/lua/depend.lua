#!lua
-- Changes which runs a run waits for, while it has not started. One with nothing left to wait for goes on.
-- KEYS      meta
-- ARGUMENTS run=string add=list remove=list
-- TOUCHES   awaited:<run> SET, delay ZSET, needs:<run> SET, run:<run> HASH
-- RETURNS   "OK" {state} | "UNKNOWN" | "STARTED" | "ENDED" {run} | "MISSING" {run} | "CROWDED" {run} | "CIRCLE" {run}
-- @include guard
-- @include arguments
-- @include now
-- @include made
-- @include read_run
-- @include needs
-- @include await
-- @include withdraw
-- @include place
-- @include proceed
local refused = guard()
if refused then return refused end
local at = now()
local id = arguments.run
local run = read_run(id)
if not run then return cmsgpack.pack({'UNKNOWN'}) end
if run.state == 'running' or run.state == 'stopping' then return cmsgpack.pack({'STARTED'}) end
local open, tag, about = needs(id, arguments.add)
if not open and tag == 'ENDED' then return cmsgpack.pack({'ENDED', about}) end
if not open and tag == 'MISSING' then return cmsgpack.pack({'MISSING', about}) end
if not open and tag == 'CROWDED' then return cmsgpack.pack({'CROWDED', about}) end
if not open then return cmsgpack.pack({'CIRCLE', about}) end

if run.state == 'delayed' then
  run.due_at = tonumber(redis.call('ZSCORE', key('delay'), id) or at)
  redis.call('HSET', key('run', id), 'made', made(run))
end
if run.state ~= 'blocked' then withdraw(run, at) end
await(id, open)
for _, parent in ipairs(arguments.remove) do
  redis.call('SREM', key('needs', id), parent)
  redis.call('SREM', key('awaited', parent), id)
end
if run.state == 'blocked' then
  proceed(id, at)
else
  place(run, at)
end
return cmsgpack.pack({'OK', redis.call('HGET', key('run', id), 'state')})
