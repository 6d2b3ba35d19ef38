#!lua
-- Gives waiting runs of a job the definition that is in force, a page of them. A repeat of the call finds them done.
-- KEYS      meta
-- ARGUMENTS job=string cursor=string by=map
-- RETURNS   "OK" {where to go on from or false, runs that took it}
-- @include guard
-- @include arguments
-- @include now
-- @include settle
-- @include renew
-- @include audit
local refused = guard()
if refused then return refused end
settle(arguments.job)
local cursor, _, renewed = renew(arguments.job, arguments.cursor, 50, now())
if renewed > 0 then audit('requeue', arguments.job, arguments.by, {runs = renewed}) end
return cmsgpack.pack({'OK', cursor or false, renewed})
