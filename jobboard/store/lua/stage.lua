#!lua
-- Writes a page of new definitions, of removals, of schedule entries and of history under a stage. Nothing of it is
-- visible before `commit`; writing the same page twice is the same as once.
-- KEYS      meta
-- ARGUMENTS stage=int version=string put=[job, definition, ...] drop=[job, ...] work=[address, entry, ...]
--           changes=[address, change, ...]
-- TOUCHES   changes:<stage> HASH, defs:<version> HASH, staged:<stage> SET, stages ZSET, work:<stage> HASH
-- RETURNS   "OK" | "GONE"
-- @include guard
-- @include arguments
local refused = guard()
if refused then return refused end
if not redis.call('ZSCORE', key('stages'), arguments.stage) then return cmsgpack.pack({'GONE'}) end
redis.call('SADD', key('staged', arguments.stage), arguments.version)
local version = key('defs', arguments.version)
if #arguments.put > 0 then redis.call('HSET', version, unpack(arguments.put)) end
if #arguments.drop > 0 then redis.call('HDEL', version, unpack(arguments.drop)) end
if #arguments.work > 0 then redis.call('HSET', key('work', arguments.stage), unpack(arguments.work)) end
if #arguments.changes > 0 then redis.call('HSET', key('changes', arguments.stage), unpack(arguments.changes)) end
return cmsgpack.pack({'OK'})
