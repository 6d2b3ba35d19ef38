-- The call's arguments, as named values.
local arguments = cmsgpack.unpack(ARGV[1])
