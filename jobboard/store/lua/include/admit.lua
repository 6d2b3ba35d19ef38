-- @include key
-- @include held
-- Whether a run of a job may be made for a nominal: nil when it may, else the state to record, and why. Where
-- it may and has to wait for unfinished runs, the third answer says how: 'line' behind all of them, 'latest' in
-- the one place there is, 'replace' once they were stopped. Behind runs that are caught up everything waits.
-- TOUCHES   line:<job> ZSET, live:<job> SET, run:<run> HASH
local function admit(address, launch, nominal)
  local hold = held(address, launch.g, nominal)
  if hold then
    local why = 'paused by ' .. tostring(hold.by or 'somebody')
    if hold.reason and hold.reason ~= '' then why = why .. ': ' .. hold.reason end
    return 'held', why
  end
  local rule = launch.o or 'skip'
  if rule == 'allow' and not launch.c then return nil end
  local live = redis.call('SRANDMEMBER', key('live', address))
  if not live then return nil end
  local head = launch.c and redis.call('ZRANGE', key('line', address), 0, 0)[1]
  local catching = head and redis.call('HEXISTS', key('run', head), 'catchup') == 1
  if not catching then
    if rule == 'allow' then return nil end
    if rule == 'skip' then return 'skipped', 'overlap: ' .. live .. ' has not finished' end
    if rule == 'queue_latest' then return nil, nil, 'latest' end
    if rule == 'replace' then return nil, nil, 'replace' end
    if rule ~= 'queue' then
      if redis.call('SCARD', key('live', address)) < rule.allow then return nil end
      return 'skipped', string.format('overlap: %d runs have not finished', rule.allow)
    end
  end
  if redis.call('ZCARD', key('line', address)) >= 100 then return 'skipped', 'overlap: 100 runs are in line' end
  return nil, nil, 'line'
end
