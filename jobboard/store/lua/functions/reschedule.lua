-- Changes when a run that has not started runs, in which queue, and before whom; it keeps its age.
-- TAKES  run=text at=instant delay=span queue=text priority=whole by=text
-- GIVES  outcome: ok, started, doomed (it is about to be skipped), expires (before that) or unknown; state
if not said.run then refuse('run: which one?') end
if said.at and said.delay then refuse('at and delay both say when') end
if not (said.at or said.delay or said.queue or said.priority) then refuse('say at, delay, queue or priority') end
-- What a board could not say of a job, nobody may say of a run.
set_fields({}, {queue = said.queue, priority = said.priority})
local answer = ask('reschedule', KEYS, {runs = {said.run}, queue = said.queue or false, priority = said.priority or false,
  due = said.at and instant_ms('at', said.at) or false, delay_ms = said.delay and span('delay', said.delay) or false,
  by = {actor = said.by or 'function', via = 'function', host = ''}})
local tag, state = answer[3][1][1], answer[3][1][2]
return {outcome = string.lower(tag), state = state ~= '' and state or cjson.null}
