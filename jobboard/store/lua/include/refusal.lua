-- @include meta
-- Looks at the namespace's format. Answers nil to go on, or the reply to give when another major version of
-- it is in the store. Writes nothing, so a script with flags=no-writes can use it.
local function refusal()
  local FORMAT_MAJOR = '1'
  local format = meta().format
  if format and string.match(format, '^(%d+)') ~= FORMAT_MAJOR then
    return cmsgpack.pack({'WRONG_FORMAT', format})
  end
  return nil
end
