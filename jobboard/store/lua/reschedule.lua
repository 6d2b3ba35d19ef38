#!lua
-- Changes when runs that have not started run, in which queue, and before whom. Each keeps waiting for what it waits
-- for, and its age; a repeat of the call changes nothing more.
-- KEYS      meta
-- ARGUMENTS runs=list queue=string priority=int due=int delay_ms=int by=map
-- TOUCHES   lockwait:<lock> ZSET, run:<run> HASH
-- RETURNS   "OK" {now, [[tag, state], ...]}
-- @include guard
-- @include arguments
-- @include now
-- @include made
-- @include read_run
-- @include withdraw
-- @include place
-- @include enqueue
-- @include event
-- @include audit
local refused = guard()
if refused then return refused end
local at = now()
local due = arguments.due or arguments.delay_ms and at + arguments.delay_ms
local answers = {}
for i, id in ipairs(arguments.runs) do
  local run = read_run(id)
  if not run then
    answers[i] = {'UNKNOWN', ''}
  elseif run.state == 'running' or run.state == 'stopping' then
    answers[i] = {'STARTED', run.state}
  elseif run.doomed then
    answers[i] = {'DOOMED', run.state}
  elseif due and run.expires and due >= run.expires then
    answers[i] = {'EXPIRES', run.state}
  else
    local moves = run.state == 'queued' or due and run.state ~= 'blocked'
    if moves then withdraw(run, at) end
    run.queue = arguments.queue or run.queue
    if arguments.priority then
      run.score = (1000 - arguments.priority) * 1099511627776 + run.score % 1099511627776
    end
    run.due_at = due and math.max(due, at) or run.due_at
    redis.call('HSET', key('run', id), 'made', made(run))
    if moves and due then
      place(run, at)
    elseif moves then
      enqueue(id, run.queue, run.score)
    elseif run.state == 'waiting' then
      redis.call('ZADD', key('lockwait', run.lock), run.score, id)
    end
    event('rescheduled', run.job, id, at, 'by', arguments.by.actor)
    audit('reschedule', id, arguments.by, {queue = arguments.queue, priority = arguments.priority, due = due})
    answers[i] = {'OK', redis.call('HGET', key('run', id), 'state')}
  end
end
return cmsgpack.pack({'OK', at, answers})
