-- The full name of a key of this namespace, from the one key every call passes.
local prefix = string.sub(KEYS[1], 1, -5)
local function key(word, what, more)
  if more then return prefix .. word .. ':' .. what .. ':' .. more end
  if what then return prefix .. word .. ':' .. what end
  return prefix .. word
end
