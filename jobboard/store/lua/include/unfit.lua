-- Why a run could not be made, or could not be made to wait for others, in words; nil where it could.
local function unfit(tag, run, about)
  local words = {RUNNING = '%s has started', STARTED = '%s has started', UNKNOWN = 'nothing is known of the run %s',
    MISSING = 'nothing is known of the run %s', ENDED = '%s has ended, and not ok', CIRCLE = '%s would wait for itself',
    CROWDED = '500 runs wait for %s already'}
  return words[tag] and string.format(words[tag], (tag == 'RUNNING' or not about) and run or about)
end
