-- Whether a worker has a run in hand: it runs, or was told to stop and is not over yet.
local function running(run) return run.state == 'running' or run.state == 'stopping' end
