-- Says how far a run is, and that its runner lives: its lease, over all its runs, begins anew.
-- TAKES  worker=text run=text token=whole percent=whole text=text
-- GIVES  outcome: ok or fenced; cancel: whether the run is to be stopped
-- @include key
if not (said.worker and said.run and said.token) then refuse('worker, run and token say whose attempt it is') end
if said.percent and (said.percent < 0 or said.percent > 100) then refuse('percent: it lies between 0 and 100') end
local lease_ms = tonumber(redis.call('HGET', key('worker', said.worker), 'lease_ms') or nil)
if lease_ms then ask('beat', KEYS, {worker = said.worker, lease_ms = lease_ms}) end
local run = redis.call('HMGET', key('run', said.run), 'token', 'cancel')
local own = lease_ms and tonumber(run[1] or nil) == said.token
if own and (said.percent or said.text) then
  ask('report', KEYS, {run = said.run, token = said.token, percent = said.percent or -1, text = said.text or ''})
end
return {outcome = own and 'ok' or 'fenced', cancel = not own or run[2] ~= false}
