-- Reports how an attempt ended, under the token it was handed out with; at most 64 KiB of output with it.
-- TAKES  worker=text run=text token=whole state=text exit=whole reason=text delay=span group=text output=text
-- GIVES  outcome: finished, retried, deferred, fenced (it is not this runner's any more) or already
-- @include key
-- @include now
-- @include read_run
local STATES = {ok = true, failed = true, retry = true, defer = true, drop = true, cancelled = true}
if not (said.worker and said.run and said.token) then refuse('worker, run and token say whose attempt it is') end
local state = said.state or ((said.exit or 0) == 0 and 'ok' or 'failed')
if not STATES[state] then refuse('state: one of ok, failed, retry, defer, drop, cancelled') end
if said.output and #said.output > 65536 then refuse('output: it has %d bytes, and may have 65536', #said.output) end
local run = read_run(said.run)
if said.output and run then
  ask('output', KEYS, {run = said.run, token = said.token, attempt = run.attempt, chunks = {said.output},
    ago_ms = {0}, streams = {}})
end
local started_at = run and run.reserved_at
local answer = ask('finish', KEYS, {worker = said.worker, results = {{run = said.run, token = said.token, verdict = state,
  exit = said.exit, reason = said.reason or (said.exit and said.exit ~= 0 and 'exit ' .. said.exit) or nil,
  delay_ms = said.delay and span('delay', said.delay) or 0, group = said.group, ended_ago_ms = 0,
  started_ago_ms = started_at and now() - started_at, output_bytes = said.output and #said.output}}})
return {outcome = string.lower(answer[3][1])}
