-- What the functions share: words for a caller who got something wrong, JSON, spans, and specs as they are kept.

local function refuse(words, ...) error({refusal = string.format(words, ...)}, 0) end

-- Runs one of the program's own scripts; what it answered.
local function ask(script, keys, arguments)
  local answer = cmsgpack.unpack(SCRIPTS[script](keys, {cmsgpack.pack(arguments)}))
  if answer[1] == 'WRONG_FORMAT' then refuse('the namespace has format %s, and this library writes %s', answer[2], FORMAT) end
  return answer
end

local LIST = {}
-- Marks a table as a list, which an empty one does not show.
local function list(values) return setmetatable(values, LIST) end

local function json(value)
  if type(value) ~= 'table' then return (string.gsub(cjson.encode(value), '\\/', '/')) end
  local parts = {}
  if getmetatable(value) == LIST or #value > 0 then
    for i, each in ipairs(value) do parts[i] = json(each) end
    return '[' .. table.concat(parts, ',') .. ']'
  end
  for name, each in pairs(value) do parts[#parts + 1] = cjson.encode(tostring(name)) .. ':' .. json(each) end
  table.sort(parts)
  return '{' .. table.concat(parts, ',') .. '}'
end

local function is_name(text)
  return type(text) == 'string' and #text <= 100 and string.find(text, '^[A-Za-z0-9][A-Za-z0-9._-]*$') ~= nil
end

local UNITS = {w = {1, 604800000}, d = {2, 86400000}, h = {3, 3600000}, m = {4, 60000}, s = {5, 1000}, ms = {6, 1}}
-- A span as people write it, 1m30s, in milliseconds.
local function span(name, text)
  local rest, total, last = text, 0, 0
  while rest ~= '' do
    local number, unit, more = string.match(rest, '^(%d+)(%a+)(.*)$')
    local known = unit and UNITS[unit]
    if not known or known[1] <= last then refuse('%s: "%s" is no span, as 90s, 1m30s or 2h are', name, text) end
    rest, last, total = more, known[1], total + tonumber(number) * known[2]
  end
  if text == '' or total > 3162240000000 then refuse('%s: "%s" is no span up to 100 years', name, text) end
  return total
end

-- An instant as run ids show it, 2026-03-29T01:00:00Z, in milliseconds; days are counted from 1 March of year 0.
local function instant_ms(name, text)
  local year, month, day, hour, minute, second = string.match(text, '^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)Z$')
  if not year then refuse('%s: "%s" is no instant, as 2026-03-29T01:00:00Z is', name, text) end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if month < 1 or month > 12 or day < 1 or day > 31 or tonumber(hour) > 23 or tonumber(minute) > 59 or tonumber(second) > 59 then
    refuse('%s: there is no %s', name, text)
  end
  if month < 3 then year, month = year - 1, month + 12 end
  local days = 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 1 - 719468
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000
end

-- What stands before so many elements or bytes in msgpack: in one byte where they are few, else in three or five.
local function head(count, few, one, three, five)
  if count < few then return string.char(one + count) end
  local low = string.char(math.floor(count / 256) % 256, count % 256)
  if count < 65536 then return string.char(three) .. low end
  return string.char(five, math.floor(count / 16777216), math.floor(count / 65536) % 256) .. low
end

-- A value as msgpack, to the byte as the program writes it: maps in the order of their keys, texts without the
-- short form that came later. A table without elements is a map.
local function packed(value)
  if type(value) == 'string' then return head(#value, 32, 160, 218, 219) .. value end
  if type(value) ~= 'table' then return cmsgpack.pack(value) end
  local parts = {}
  if #value > 0 then
    for i, each in ipairs(value) do parts[i] = packed(each) end
    return head(#value, 16, 144, 220, 221) .. table.concat(parts)
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = packed(name) .. packed(value[name]) end
  return head(#names, 16, 128, 222, 223) .. table.concat(parts)
end

-- A spec's fields by their names.
local function spec_fields(bytes)
  local fields = {}
  for number, value in pairs(cmsgpack.unpack(string.sub(bytes, 2))) do fields[FIELDS[number] or '#' .. number] = value end
  return fields
end

-- Fields, by name, as a spec is kept: by number, in order.
local function spec_bytes(fields)
  local numbers, parts = {}, {}
  for name in pairs(fields) do numbers[#numbers + 1] = NUMBERS[name] or tonumber(string.sub(name, 2)) end
  table.sort(numbers)
  for i, number in ipairs(numbers) do
    local value = fields[FIELDS[number]]
    if value == nil then value = fields['#' .. number] end
    parts[i] = cmsgpack.pack(number) .. packed(value)
  end
  return '\1' .. head(#numbers, 16, 128, 222, 223) .. table.concat(parts)
end

-- The keys of a job that say what it runs, set over its fields as a board would set them.
local function set_fields(fields, said)
  local function text(name)
    if string.find(said[name], '%z') then refuse('%s: it holds a NUL', name) end
    return said[name]
  end
  local function check_reference(word)
    if string.find(word, '%z') then refuse('a command cannot hold a NUL') end
    if string.find(word, '%${env:') or string.find(word, '%${file:') then
      refuse('%s is not resolved in a command: put it into env', string.match(word, '%${%a+:[^}]*}?'))
    end
    return word
  end
  if said.run then
    if not string.find(said.run, '%S') then refuse('run: the command is empty') end
    fields.command = {run = check_reference(said.run)}
  elseif said.exec then
    if #said.exec == 0 or said.exec[1] == '' then refuse('exec: it names no program') end
    for _, word in ipairs(said.exec) do check_reference(word) end
    fields.command = {exec = said.exec}
  end
  if said.queue then
    if not is_name((string.gsub(said.queue, '^@', ''))) then refuse('"%s" is no queue', said.queue) end
    fields.queue = said.queue ~= 'common' and said.queue or nil
  end
  if said.priority then
    if math.abs(said.priority) > 1000 then refuse('priority: it lies between -1000 and 1000') end
    fields.priority = said.priority ~= 0 and said.priority or nil
  end
  if said.timeout then
    fields.timeout = span('timeout', said.timeout)
    if fields.timeout == 0 then refuse('timeout: it is longer than nothing') end
  end
  if said.cwd then fields.cwd = text('cwd') end
  if said.tags then
    local seen, tags = {}, {}
    for _, tag in ipairs(said.tags) do
      if not is_name(tag) then refuse('"%s" is no tag', tag) end
      if not seen[tag] then tags[#tags + 1] = tag end
      seen[tag] = true
    end
    table.sort(tags)
    fields.tags = #tags > 0 and tags or nil
  end
  if said.env then
    for name, value in pairs(said.env) do
      if not string.find(name, '^[A-Za-z_][A-Za-z0-9_]*$') then refuse('env: "%s" is no name of a variable', name) end
      if string.find(name, '^JOBBOARD_') or string.find(value, '${env:JOBBOARD_', 1, true) then
        refuse('env: %s is not yours to set', name)
      end
      if string.find(value, '%z') then refuse('env: %s holds a NUL', name) end
    end
    fields.env = next(said.env) and said.env or nil
  end
end

-- What scripts need to know of a command's fields.
local function launch_of(fields)
  return {q = fields.queue, p = fields.priority, g = fields.tags}
end

local TYPES = {
  text = function(value) return type(value) == 'string' end,
  span = function(value) return type(value) == 'string' end,
  instant = function(value) return type(value) == 'string' end,
  flag = function(value) return type(value) == 'boolean' end,
  whole = function(value) return type(value) == 'number' and value == math.floor(value) and math.abs(value) < 1e13 end,
  list = function(value)
    if type(value) ~= 'table' then return false end
    local count = 0
    for _, each in pairs(value) do
      if type(each) ~= 'string' then return false end
      count = count + 1
    end
    return count == #value
  end,
  map = function(value)
    if type(value) ~= 'table' then return false end
    for name, each in pairs(value) do
      if type(name) ~= 'string' or type(each) ~= 'string' then return false end
    end
    return true
  end,
}

-- What was said, checked: nothing that the function does not know, everything of its kind.
local function read(takes, text)
  local fine, said = pcall(cjson.decode, text)
  if not fine or type(said) ~= 'table' or string.find(text, '^%s*%[') then refuse('the argument is no JSON object: %s', string.sub(text, 1, 100)) end
  for name, value in pairs(said) do
    if not takes[name] then
      local known = {}
      for each in pairs(takes) do known[#known + 1] = each end
      table.sort(known)
      refuse('it does not know "%s"; it knows %s', tostring(name), table.concat(known, ', '))
    end
    if value == cjson.null then
      said[name] = nil
    elseif not TYPES[takes[name]](value) then
      refuse('%s: it takes a %s', name, takes[name])
    end
  end
  return said
end

-- A function as clients call it: one key, the namespace's meta; one JSON object; a JSON value comes back.
local function register(name, about, flags, takes, body)
  redis.register_function{function_name = 'jobboard_' .. name, description = about, flags = flags, callback = function(keys, args)
    local fine, answer = pcall(function()
      if #keys ~= 1 or not string.find(keys[1], '^jb:{[^{}]+}:meta$') or #args > 1 then
        refuse("call it with one key and one object: FCALL jobboard_%s 1 'jb:{NAMESPACE}:meta' '{…}'", name)
      end
      local found = redis.call('HGET', keys[1], 'format')
      if found and string.match(found, '^%d+') ~= string.match(FORMAT, '^%d+') then
        refuse('the namespace has format %s, and this library writes %s', found, FORMAT)
      end
      return body(keys, read(takes, args[1] or '{}'))
    end)
    if fine then return json(answer) end
    if type(answer) == 'table' and answer.refusal then return redis.error_reply('JOBBOARD ' .. answer.refusal) end
    error(answer, 0)
  end}
end
