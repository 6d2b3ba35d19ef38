"""The run path in virtual time: the same rules as the store's scripts, on a heap of events in memory.

They follow `fire`, `reserve` and `finish` and what those include, step by step: strict priority, then age in
each queue; locks all or none, a run that misses one parked there at its old place; overlap counted over every
unfinished run; children decided by the end of their parent, for its nominal. Those scripts are the authority:
`tests/integration/test_simulated_day.py` holds a simulated day to a real one, run for run.

What takes part is in `contenders`, and what a definition comes to in `terms`. Each of the others moves them
in one way, and knows those before it alone: `timeline` says what happens when, `room` gives slots and locks,
`turns` makes runs beside others of a job, `gates` works out what a run waits for, `kin` tells those that wait
of what was decided, `scheduler` decides what is due, `ends` ends what runs, `changes` brings other
definitions into force, `underway` takes up what was begun before. `path` puts them together.
"""
