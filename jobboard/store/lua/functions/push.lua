-- Makes a run, once: of a command, or of a job with a payload of its own.
-- TAKES  queue=text run=text exec=list name=text job=text payload=text id=text delay=span at=instant expires=span
--        after=list priority=whole tags=list env=map timeout=span cwd=text replace=flag reason=text by=text
-- GIVES  run, outcome: pushed, replaced or already
-- @include now
-- @include settle
-- @include definition
-- @include in_force
-- @include unfit
local at, address, d = now(), nil, nil
local fields, launch = {}, nil
if said.job then
  if said.queue or said.run or said.exec or said.name then refuse('a job knows its own command, queue and name') end
  address = said.job
  settle(address)
  local _, found = definition(address)
  if not found then refuse('there is no job %s', address) end
  d = in_force(found, at)
  fields, launch = spec_fields(d[5]), d[4]
  launch.u = nil
  set_fields(fields, said)
  launch.p, launch.g = fields.priority, fields.tags
else
  if not said.queue then refuse('which queue, or which job?') end
  if (said.run == nil) == (said.exec == nil) then refuse('give one command, run or exec') end
  set_fields(fields, said)
  local name = said.name or string.gsub(said.queue, '^@', '')
  if not is_name(name) then refuse('"%s" is no name', name) end
  address, launch = 'push/' .. name, launch_of(fields)
end
if said.payload then
  if #said.payload > 1048576 then refuse('the payload is %d bytes, and may have 1048576', #said.payload) end
  fields.stdin = said.payload
  if #said.payload <= 4096 and not string.find(said.payload, '%z') then
    local env = {}
    for name, value in pairs(fields.env or {}) do env[name] = value end
    env.JOBBOARD_PAYLOAD = string.gsub(said.payload, '%${', '$${')
    fields.env = env
  end
end
if said.id and not is_name(said.id) then refuse('"%s" is no id for a run', said.id) end
if said.replace and not said.id then refuse('replace of what? give an id') end
if said.delay and said.at then refuse('delay and at both say when') end
if said.after and #said.after > 100 then refuse('a run may wait for at most 100 others') end
local id = said.id or 'call-' .. redis.call('HINCRBY', key('meta'), 'seq', 1)
local answer = ask('push', KEYS, {parcels = {{id = address .. '@' .. id, named = said.id ~= nil, address = address, spec = spec_bytes(fields),
  launch = launch, epoch = d and d[1] or 0, revision = d and d[3] or 0, delay_ms = said.delay and span('delay', said.delay),
  due = said.at and instant_ms('at', said.at), expires_ms = said.expires and span('expires', said.expires),
  after = said.after, replace = said.replace or nil, by = said.by or 'function', reason = said.reason or ''}}})
local tag, about = answer[3][1][1], answer[3][1][2]
local reason = unfit(tag, address .. '@' .. id, about)
if reason then refuse('%s', reason) end
return {run = address .. '@' .. id, outcome = string.lower(tag)}
