-- An instant as run ids show it: RFC 3339 in UTC with milliseconds. Days are turned into a civil date by
-- counting from 1 March of year 0, after which every 400 years are alike.
local function instant(ms)
  local days = math.floor(ms / 86400000)
  local left = ms - days * 86400000
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, math.floor(left / 3600000),
    math.floor(left / 60000) % 60, math.floor(left / 1000) % 60, left % 1000)
end
