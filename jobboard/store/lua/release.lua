#!lua flags=allow-oom
-- Ends the hold that a rollback put on a board, and writes down who ended it. Answers GONE where the board has
-- moved on since it was read, or is held no longer.
-- KEYS      meta
-- ARGUMENTS board=string from=string meta=bytes by=map why=string
-- TOUCHES   boardmeta HASH, boards HASH
-- RETURNS   "OK" | "GONE"
-- @include guard
-- @include arguments
-- @include audit
local refused = guard()
if refused then return refused end
local board = arguments.board
local packed = redis.call('HGET', key('boardmeta'), board)
if not packed or not cmsgpack.unpack(packed).held then return cmsgpack.pack({'GONE'}) end
if redis.call('HGET', key('boards'), board) ~= arguments.from then return cmsgpack.pack({'GONE'}) end
redis.call('HSET', key('boardmeta'), board, arguments.meta)
audit('release', board, arguments.by, {why = arguments.why})
return cmsgpack.pack({'OK'})
