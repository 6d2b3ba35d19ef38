-- Has a run that did not end well run again, as its next attempt; one that is not among the newest thousand
-- records of the history is for jobboard retry.
-- TAKES  run=text reason=text force=flag request=text by=text
-- GIVES  outcome: retried, already (by this request), live, well, gone, disabled, crowded, heavy or unknown; state
-- @include key
-- @include find_record
if not said.run then refuse('run: which one?') end
local _, packed = find_record(said.run)
local answer = ask('retry', KEYS, {runs = {{said.run, packed or false}}, by = said.by or 'function',
  reason = said.reason or '', mark = said.request or 'call-' .. redis.call('HINCRBY', key('meta'), 'seq', 1),
  force = said.force or false})
local tag, state = answer[3][1][1], answer[3][1][2]
return {outcome = string.lower(tag), state = state ~= '' and state or cjson.null}
