-- Changes which runs a pushed run waits for, while it has not started.
-- TAKES  run=text add=list remove=list
-- GIVES  state
-- @include unfit
if not said.run then refuse('run: which one?') end
if said.add and #said.add > 100 then refuse('a run may wait for at most 100 others') end
local answer = ask('depend', KEYS, {run = said.run, add = said.add or {}, remove = said.remove or {}})
local reason = unfit(answer[1], said.run, answer[2])
if reason then refuse('%s', reason) end
return {state = answer[2]}
