-- @include key
-- @include count
-- @include event
-- @include forget
-- Writes down nominals that were decided and not run. Consecutive ones of one kind and reason are one
-- record with a count: the job's newest record is replaced, and so is its copy in the history.
-- seen = {count, first, last}
-- TOUCHES   history STREAM, last:<job> LIST
local function note(address, state, reason, seen, at)
  local last = key('last', address)
  local head = redis.call('LINDEX', last, 0)
  local record = head and cmsgpack.unpack(head)
  local bytes = 0
  local again = record and record.state == state and record.reason == reason and record.entry
  if again then
    local replaced = redis.call('XDEL', key('history'), record.entry)
    record.entry = nil
    bytes = -replaced * #cmsgpack.pack(record)
    record.count = record.count + seen[1]
    record.first = math.min(record.first, seen[2])
    record.last = math.max(record.last, seen[3])
  else
    record = {job = address, state = state, reason = reason, count = seen[1], first = seen[2], last = seen[3]}
  end
  record.nominal = record.last
  record.ended_at = at
  local packed = cmsgpack.pack(record)
  record.entry = redis.call('XADD', key('history'), '*', 'r', packed)
  forget(bytes + #packed)
  if again then
    redis.call('LSET', last, 0, cmsgpack.pack(record))
  else
    if redis.call('LPUSH', last, cmsgpack.pack(record)) > 20 then redis.call('LTRIM', last, 0, 19) end
  end
  count(address, nil, at, {state = state, count = seen[1], spans = {}})
  event(state, address, nil, at, 'reason', reason, 'nominal', string.format('%.0f', seen[3]))
end
