-- @include key
-- Writes down who changed what by hand or by sync: one entry of the audit stream.
-- TOUCHES   audit STREAM
local function audit(what, subject, by, detail)
  redis.call('XADD', key('audit'), 'MAXLEN', '~', 10000, '*',
    'what', what, 'subject', subject, 'by', cmsgpack.pack(by), 'detail', cmsgpack.pack(detail or false))
end
