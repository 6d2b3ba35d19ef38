-- Makes a job that is on no board, or lets it be what is said here, all of it; with create only makes it. One with locks, parents, needs or
-- overrides is for jobboard put.
-- TAKES  name=text run=text exec=list every=span cron=text queue=text priority=whole tags=list env=map timeout=span
--        cwd=text retries=whole description=text create=flag reason=text by=text
-- GIVES  job, outcome: created, changed or unchanged
-- @include now
-- @include settle
-- @include definition
local RANGES = {{'minute', 0, 59}, {'hour', 0, 23}, {'day', 1, 31}, {'month', 1, 12}, {'weekday', 0, 6}}

-- A cron expression of numbers in rising order, in UTC, not both days restricted: one that has no other reading.
local function cron_of(text)
  local words = {}
  for word in string.gmatch(text, '%S+') do words[#words + 1] = word end
  if #words ~= 5 then refuse('cron: "%s" does not have five fields', text) end
  for i, word in ipairs(words) do
    local name, least, most = unpack(RANGES[i])
    local step = tonumber(string.match(word, '^%*/(%d+)$') or nil)
    local fine = word == '*' or step ~= nil and step > 1 and step <= most - least
    if not fine and step == nil then
      local last = least - 1
      fine = true
      for item in string.gmatch(word .. ',', '([^,]*),') do
        local from, to = string.match(item, '^(%d+)$'), nil
        if not from then from, to = string.match(item, '^(%d+)-(%d+)$') end
        local first = tonumber(from or nil)
        local final = tonumber(to or from or nil)
        if not first or first <= last or final > most or to and final <= first or #from > 1 and string.sub(from, 1, 1) == '0'
          or to and #to > 1 and string.sub(to, 1, 1) == '0' then
          fine = false
          break
        end
        last = final
      end
    end
    if not fine then refuse('cron: "%s" is no %s of numbers in rising order; jobboard put reads more', word, name) end
  end
  if words[3] ~= '*' and words[5] ~= '*' then refuse('cron: days of the month and of the week; jobboard put reads both') end
  return table.concat(words, ' ')
end

if not is_name(said.name) then refuse('name: the job needs one') end
if (said.run == nil) == (said.exec == nil) then refuse('give one command, run or exec') end
if said.every and said.cron then refuse('every and cron are two schedules') end
local at, address, fields = now(), 'loose/' .. said.name, {}
set_fields(fields, said)
if said.every then
  fields.schedule = {every = span('every', said.every)}
  if fields.schedule.every < 1000 then refuse('every: the shortest is 1s') end
elseif said.cron then
  fields.schedule = {cron = cron_of(said.cron)}
end
if said.retries and (said.retries < 0 or said.retries > 10000) then refuse('retries: between 0 and 10000') end
if said.retries and said.retries > 0 then fields.retries = {max = said.retries} end
if said.description and said.description ~= '' then fields.description = said.description end

settle(address)
local spec = spec_bytes(fields)
local _, before = definition(address)
local was = before and spec_fields(before[5])
if before and said.create then refuse('there is a job %s already', address) end
if before and before[5] == spec and not before[6] and not before[7] then return {job = address, outcome = 'unchanged'} end
if before and (was.locks or was.after or was.needs or before[6] or before[7]) then
  refuse('%s has locks, parents, needs or a live edit: jobboard put changes it', address)
end
local unique = redis.call('HINCRBY', key('meta'), 'seq', 1)
local launch = launch_of(fields)
local definition_bytes = '\150' .. cmsgpack.pack(unique) .. cmsgpack.pack(unique) .. '\0' .. packed(launch)
  .. packed(spec) .. '\192'
local kept = redis.call('HGET', key('boardmeta'), 'loose')
local meta = kept and cmsgpack.unpack(kept) or {locks = {}, edges = {}}
meta.jobs = (meta.jobs or 0) + (before and 0 or 1)
local moved = packed(was and was.schedule or {}) ~= packed(fields.schedule or {})
local work = {expected = false}
if not before or moved then
  -- Due at once: the scheduler that looks finds nothing to run yet, and works out when there will be.
  work = {due = fields.schedule and at or false, cursor = fields.schedule and at or false, expected = false,
    before = {}, after = {}}
end
local answer = ask('job', KEYS, {address = address, seen = redis.call('HGET', key('boards'), 'loose'),
  definition = definition_bytes, meta = packed(meta), drifted = false, deed = false, work = work, what = 'put',
  by = {actor = said.by or 'function', via = 'function', host = '', reason = said.reason}, detail = {spec = fields}})
if answer[1] == 'WAIT' then refuse('a sync keeps edits off for %d ms more: try again', answer[2]) end
return {job = address, outcome = before and 'changed' or 'created'}
