-- Hands a runner its next runs, and is its sign of life: its lease, over all its runs, lasts so long from now.
-- TAKES  worker=text queues=list limit=whole lease=span holding=list request=text host=text
-- GIVES  runs: run, job, token, attempt, nominal, trigger, queue, lost, defers, payload, spec; cancel: runs to stop
-- @include key
-- @include instant
if not is_name(said.worker) then refuse('worker: a name that no other runner has') end
local limit, lease_ms = said.limit or 1, span('lease', said.lease or '30s')
if limit < 0 or limit > 100 then refuse('limit: it lies between 0 and 100') end
if lease_ms < 1000 or lease_ms > 86400000 then refuse('lease: it lies between 1s and 1d') end
local queues = said.queues or {'common'}
if #queues == 0 then refuse('queues: none is named') end
for _, queue in ipairs(queues) do
  if not is_name((string.gsub(queue, '^@', ''))) then refuse('"%s" is no queue', queue) end
end
-- Of a long list a call judges a part, and the next one goes on.
local MOST, said_held = 100, said.holding or {}
local first = tonumber(redis.call('HGET', key('worker', said.worker), 'judged') or 1)
local holding, others = {}, said.holding and {}
for i, id in ipairs(said_held) do
  local judged = i >= first and i < first + MOST
  local token = judged and tonumber(redis.call('HGET', key('run', id), 'token') or nil)
  if token then holding[#holding + 1] = {id, token} elseif others then others[#others + 1] = id end
end
local held = said.holding and #said_held or redis.call('SCARD', key('holding', said.worker))
ask('hello', KEYS, {worker = said.worker, host = said.host or '', pid = 0, queues = queues, slots = held + limit,
  lease_ms = lease_ms, version = 'function', inboxes = {}, own_slots = {}, order = 'priority', format = FORMAT,
  holding = holding, others = others or false})
local following = first + MOST <= #said_held and first + MOST or 1
if following ~= first then redis.call('HSET', key('worker', said.worker), 'judged', following) end
local runs = {}
if limit > 0 then
  local request = said.request or 'call-' .. redis.call('HINCRBY', key('meta'), 'seq', 1)
  local answer = ask('reserve', KEYS, {worker = said.worker, queues = queues, rooms = false, limit = limit,
    order = 'priority', request = request})
  for i, entry in ipairs(answer[3]) do
    local spec = spec_fields(entry[6])
    runs[i] = {run = entry[1], job = entry[2], nominal = instant(entry[3]), attempt = entry[4], token = entry[5],
      trigger = entry[7], lost = entry[8], defers = entry[9], queue = entry[13], payload = spec.stdin, spec = spec}
  end
end
return {runs = list(runs), cancel = list(ask('beat', KEYS, {worker = said.worker, lease_ms = lease_ms})[3])}
