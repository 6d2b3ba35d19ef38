-- @include meta
-- Publishes on a channel what happened, as a JSON object, in a namespace that is set to: for whoever listens with
-- nothing but a Redis client. A user who may not publish does not, and everything else goes on.
local function publish(channel, kind, job, run, at, ...)
  if not meta().publishes then return end
  local NUMBERS = {nominal = true, due = true, delay_ms = true, percent = true, attempt = true}
  local message, more = {event = kind, job = job ~= '' and job or nil, run = run, at = at}, {...}
  for i = 1, #more, 2 do
    message[more[i]] = NUMBERS[more[i]] and tonumber(more[i + 1]) or more[i + 1]
  end
  local name = string.sub(KEYS[1], 1, -5) .. 'on:' .. string.gsub(channel, ' ', '-')
  redis.pcall('PUBLISH', name, cjson.encode(message))
end
