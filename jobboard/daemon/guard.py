"""The guard: the agent's parent, which does nothing until the agent is dead.

A process that is killed cannot clean up after itself, so somebody else must be there to. The guard is a copy
of the agent made before it has started anything (so it costs almost no memory), and a subreaper: whatever
the agent leaves behind comes to the guard, which ends it. If the runner is dead as well, it turns into the
`survivor`, which tells the store.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import NoReturn

from jobboard.clock import monotonic_s
from jobboard.daemon import linux, tree

DISTURBED = 3
"""How an agent exits that was not told to: its guard then looks for what it left behind."""

_SWEEP_S = 2.0


def fork_under_guard(socket_fd: int, life_fd: int, survivor_fd: int) -> int:
    """Split in two; returns in the child, with a descriptor that reads end-of-file once the guard is dead."""
    read_end, write_end = os.pipe()
    agent = os.fork()
    if agent == 0:
        os.close(write_end)
        return read_end
    os.close(read_end)
    # Else the runner would take the agent for alive while its guard is.
    os.close(socket_fd)
    os._exit(_watch(agent, life_fd, survivor_fd))


def _watch(agent: int, life_fd: int, survivor_fd: int) -> int:
    linux.become_subreaper()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    _, status = os.waitpid(agent, 0)
    if status != 0:
        _sweep()
    # The runner writes once it knows of the agent's end; if it is dead, this reads the end of the file.
    if not os.read(life_fd, 1):
        become_survivor(survivor_fd)
    return 0


def _sweep() -> None:
    """Kill and reap everything the agent left."""
    give_up_at_s = monotonic_s() + _SWEEP_S
    while tree.kill(lambda: tree.below(os.getpid())) and monotonic_s() < give_up_at_s:
        _reap()
    _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def is_gone(fd: int) -> bool:
    """Whether everyone who held the other end of a pipe is dead."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def become_survivor(survivor_fd: int) -> NoReturn:
    """Turn this process into the one that tells the store."""
    os.set_inheritable(survivor_fd, True)  # noqa: FBT003 - positional by the library's signature
    os.execv(sys.executable, [sys.executable, "-P", "-m", "jobboard.daemon.survivor", str(survivor_fd)])  # noqa: S606 - no shell is the point
