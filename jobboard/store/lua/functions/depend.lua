-- Changes which runs a pushed run waits for, while it has not started.
-- TAKES  run=text add=list remove=list
-- GIVES  state
if not said.run then refuse('run: which one?') end
local WORDS = {UNKNOWN = 'nothing is known of the run %s', MISSING = 'nothing is known of the run %s',
  STARTED = '%s has started', ENDED = '%s has ended, and not ok', CROWDED = '500 runs wait for %s already',
  CIRCLE = '%s would wait for itself'}
if said.add and #said.add > 100 then refuse('a run may wait for at most 100 others') end
local answer = ask('depend', KEYS, {run = said.run, add = said.add or {}, remove = said.remove or {}})
if WORDS[answer[1]] then refuse(WORDS[answer[1]], answer[2] or said.run) end
return {state = answer[2]}
