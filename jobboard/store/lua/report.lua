#!lua
-- Notes how far a run says it is, for people to see, under the token of the attempt that says so: what an
-- earlier attempt said means nothing for a later one.
-- KEYS      meta
-- ARGUMENTS run=string token=int percent=int text=string
-- TOUCHES   run:<run> HASH
-- RETURNS   "OK" | "FENCED"
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include event
local refused = guard()
if refused then return refused end
local at, run = now(), read_run(arguments.run)
if not run or run.token ~= arguments.token then return cmsgpack.pack({'FENCED'}) end
redis.call('HSET', key('run', run.id), 'progress', cmsgpack.pack({token = arguments.token, at = at,
  percent = arguments.percent >= 0 and arguments.percent or nil, text = arguments.text}))
event('progress', run.job, run.id, at, 'percent', arguments.percent, 'text', arguments.text)
return cmsgpack.pack({'OK'})
