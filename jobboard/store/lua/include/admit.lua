-- @include key
-- @include held
-- Whether a run of a job may be made for a nominal: nil when it may, else the state to record, and why.
local function admit(address, launch, nominal)
  local hold = held(address, launch.g, nominal)
  if hold then
    local why = 'paused by ' .. tostring(hold.by or 'somebody')
    if hold.reason and hold.reason ~= '' then why = why .. ': ' .. hold.reason end
    return 'held', why
  end
  if (launch.o or 'skip') == 'skip' then
    local live = redis.call('SRANDMEMBER', key('live', address))
    if live then return 'skipped', 'overlap: ' .. live .. ' has not finished' end
  end
  return nil
end
