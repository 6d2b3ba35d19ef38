#!lua
-- Keeps a piece of an attempt's output, while memory allows: without allow-oom, so that a full store loses
-- output and never a result. Over the namespace's budget the oldest output of ended runs goes first. What is kept
-- in a file of the worker's host has one chunk here, which says where: so it is found, and goes when the others go.
-- KEYS      meta
-- ARGUMENTS run=string token=int attempt=int chunks=list ago_ms=list streams=list
-- TOUCHES   out:<run> STREAM, outbytes HASH, outputs ZSET, run:<run> HASH
-- RETURNS   "OK" {kept bytes} | "FENCED"
-- @include guard
-- @include arguments
-- @include now
-- @include forget_outputs
local refused = guard()
if refused then return refused end
local run, token = arguments.run, arguments.token
local present = tonumber(redis.call('HGET', key('run', run), 'token') or nil)
if present ~= token then return cmsgpack.pack({'FENCED'}) end
local stream = key('out', run)
local short = {stdout = 'o', stderr = 'e', file = 'f'}
local bytes, at = 0, now()
for i, chunk in ipairs(arguments.chunks) do
  local entry = {'a', arguments.attempt, 't', token, 'd', chunk}
  local ago_ms = arguments.ago_ms[i] or 0
  -- What was kept back is not as young as its place in the stream.
  if ago_ms >= 100 then entry[7], entry[8] = 'w', at - ago_ms end
  if arguments.streams[i] then
    entry[#entry + 1] = 's'
    entry[#entry + 1] = short[arguments.streams[i]]
  end
  redis.call('XADD', stream, '*', unpack(entry))
  bytes = bytes + #chunk
end
-- A live run's output is never the oldest.
redis.call('ZADD', key('outputs'), 9007199254740991, run)
redis.call('HINCRBY', key('outbytes'), run, bytes)
forget_outputs(bytes)
return cmsgpack.pack({'OK', bytes})
