#!lua
-- Copies a page of a board's current definitions into a staged version, on the server, so that an
-- unchanged job never crosses the wire. A small board goes in one step, a large one by cursor.
-- KEYS      meta
-- ARGUMENTS stage=int source=string version=string cursor=string
-- TOUCHES   defs:<version> HASH, staged:<stage> SET, stages ZSET
-- RETURNS   "OK" {cursor} | "GONE"
-- @include guard
-- @include arguments
local refused = guard()
if refused then return refused end
local SMALL, PAGE = 500, 500
local source, target = key('defs', arguments.source), key('defs', arguments.version)
if not redis.call('ZSCORE', key('stages'), arguments.stage) then return cmsgpack.pack({'GONE'}) end
redis.call('SADD', key('staged', arguments.stage), arguments.version)
if redis.call('HLEN', source) <= SMALL then
  redis.call('COPY', source, target)
  return cmsgpack.pack({'OK', '0'})
end
local page = redis.call('HSCAN', source, arguments.cursor, 'COUNT', PAGE)
if #page[2] > 0 then redis.call('HSET', target, unpack(page[2])) end
return cmsgpack.pack({'OK', page[1]})
