"""The guard: the agent's parent, which does nothing until agent or runner is dead.

A process that is killed cannot clean up after itself, so somebody else must be there to. The guard is a copy
of the agent made before it has started anything (so it costs almost no memory), and a subreaper: whatever
the agent leaves behind comes to the guard, which ends it. If the runner is dead as well, it turns into the
`survivor`, which tells the store. An agent that does not act on the runner's death, since it is frozen, is
killed.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from jobboard.clock import monotonic_s
from jobboard.daemon.system import linux, tree

if TYPE_CHECKING:
    from jobboard.daemon.system.cgroup import Group

DISTURBED = 3
"""How an agent exits that was not told to: its guard then looks for what it left behind."""

REPORTED = 4
"""How the survivor exits once the store knows."""

ACKNOWLEDGED = b"aa"
"""What the runner writes once it has taken note: a byte for the agent and one for the guard."""

_SWEEP_S = 2.0

_AGENT_ACTS_S = 1.0
"""How long after the runner's death the agent may take to end what it has started."""


def fork_under_guard(socket_fd: int, life_fd: int, survivor_fd: int, group: Group | None) -> int:
    """Split in two; returns in the child, with a descriptor that reads end-of-file once the guard is dead."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # These are the runner's to act on. Caught, not ignored: what is ignored stays ignored in commands.
        signal.signal(number, lambda *_: None)
    read_end, write_end = os.pipe()
    agent = os.fork()
    if agent == 0:
        os.close(write_end)
        return read_end
    os.close(read_end)
    # Else the runner would take the agent for alive while its guard is.
    os.close(socket_fd)
    os._exit(_watch(agent, write_end, life_fd, survivor_fd, group))


def _watch(agent: int, alive_fd: int, life_fd: int, survivor_fd: int, group: Group | None) -> int:
    linux.become_subreaper()
    _see_to_it_that_it_acts(agent, alive_fd, life_fd)
    _, status = os.waitpid(agent, 0)
    if os.waitstatus_to_exitcode(status) == REPORTED:
        return 0
    if status != 0:
        if group is not None:
            group.kill()
        _sweep()
        if group is not None:
            group.remove()
    if runner_is_dead(life_fd):
        become_survivor(survivor_fd)
    return 0


def _see_to_it_that_it_acts(agent: int, alive_fd: int, life_fd: int) -> None:
    """Wait for the agent to die or to turn into the survivor; kill it if the runner is dead and it does not.

    Args:
        agent: Its process id.
        alive_fd: Is broken once nobody has the agent's end of the pipe: it is dead, or another program.
        life_fd: Reads when the runner is dead, or has taken note that the agent is.
    """
    poll = select.poll()
    poll.register(alive_fd, 0)
    poll.register(life_fd, select.POLLIN)
    if alive_fd in dict(poll.poll()):
        return
    poll.unregister(life_fd)
    if not poll.poll(_AGENT_ACTS_S * 1000):
        os.kill(agent, signal.SIGKILL)


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


def runner_is_dead(life_fd: int) -> bool:
    """Wait until the runner has taken note of the agent's end, or is dead itself; whether it is dead."""
    return not os.read(life_fd, 1)


def become_survivor(survivor_fd: int) -> NoReturn:
    """Turn this process into the one that tells the store."""
    os.set_inheritable(survivor_fd, True)  # noqa: FBT003 - positional by the library's signature
    os.execv(sys.executable, [sys.executable, "-P", "-m", "jobboard.daemon.agent.survivor", str(survivor_fd)])  # noqa: S606 - no shell is the point
