#!lua flags=no-writes
-- Tells which version of jobboard made the library.
-- TAKES
-- GIVES  version, format, digest
return {version = VERSION, format = FORMAT, digest = DIGEST}
