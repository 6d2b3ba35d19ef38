-- The full name of a key of this namespace, from the one key every call passes.
local prefix = string.sub(KEYS[1], 1, -5)
local function key(...)
  return prefix .. table.concat({...}, ':')
end
