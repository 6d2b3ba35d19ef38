#!lua flags=allow-oom
-- Takes the results of attempts. A result counts only under the token its attempt was handed out with; what
-- a worker sends after its run was given to another is fenced off, and the run remembers that two overlapped.
-- Instants come as spans before now, so that no worker's clock is ever written down.
-- KEYS      meta
-- ARGUMENTS worker=string results=[{run, token, verdict, delay_ms, exit, signal, reason, started_ago_ms,
--           ended_ago_ms, output_bytes, dropped_bytes}, ...]
-- TOUCHES   meta HASH, boards HASH, defs:<version> HASH, after:<parent> SET, holds HASH, run:<run> HASH,
--           live:<job> SET, queue:<queue> ZSET, queues SET, delay ZSET, wake:<who> LIST,
--           holding:<worker> SET, lock:<lock> SET, lockwait:<lock> ZSET, lockrescan SET, fanout LIST,
--           fanout:<list> SET, history STREAM, failures STREAM, last:<job> LIST, outputs ZSET, events STREAM
-- RETURNS   "OK" {now, [tag, ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include read_run
-- @include conclude
-- @include requeue
-- @include lose
-- @include event
local refused = guard()
if refused then return refused end
local at = now()

-- What became of an attempt that is not the run's present one.
local function earlier(id, token)
  local job = string.match(id, '^[^@]*')
  local run = read_run(id)
  local tries = run and run.tries or {}
  for _, packed in ipairs(run and {} or redis.call('LRANGE', key('last', job), 0, 19)) do
    local record = cmsgpack.unpack(packed)
    if record.id == id then
      tries = record.tries or {}
      tries[#tries + 1] = record
    end
  end
  for _, try in ipairs(tries) do
    if try.token == token and try.state ~= 'lost' then return 'ALREADY' end
  end
  if run then redis.call('HSET', key('run', id), 'overlapped', 1) end
  event('fenced', job, id, at, 'worker', arguments.worker)
  return 'FENCED'
end

local function accept(result)
  local run = read_run(result.run)
  if not run or run.token ~= result.token then return earlier(result.run, result.token) end
  local verdict = result.verdict
  local outcome = {reason = result.reason, exit = result.exit, signal = result.signal,
    started_at = result.started_ago_ms and at - result.started_ago_ms, ended_at = at - (result.ended_ago_ms or 0),
    output_bytes = result.output_bytes, dropped_bytes = result.dropped_bytes}
  if run.cancel and (verdict == 'retry' or verdict == 'defer' or verdict == 'drained') then verdict = 'cancelled' end
  if verdict == 'lost' then
    lose(run, at, outcome)
    return 'FINISHED'
  elseif verdict ~= 'retry' and verdict ~= 'defer' and verdict ~= 'drained' then
    conclude(run, verdict, at, outcome)
    return 'FINISHED'
  end
  local try = {attempt = run.attempt, token = run.token, state = verdict, worker = run.worker, reason = outcome.reason,
    started_at = outcome.started_at, ended_at = outcome.ended_at, exit = outcome.exit, signal = outcome.signal}
  if verdict == 'retry' then redis.call('HSET', key('run', run.id), 'attempt', run.attempt + 1) end
  if verdict == 'defer' then redis.call('HSET', key('run', run.id), 'defers', run.defers + 1) end
  requeue(run, at, try, verdict ~= 'drained' and result.delay_ms)
  return verdict == 'defer' and 'DEFERRED' or 'RETRIED'
end

local tags = {}
for i, result in ipairs(arguments.results) do tags[i] = accept(result) end
return cmsgpack.pack({'OK', at, tags})
