"""Process trees: who belongs to one, and ending all of it.

A process belongs to an attempt if it is in the session the attempt's first process leads, or descends from
that process, or was started with the attempt's mark in its environment, or carries the attempt's brand. Where
there are no brands, a process that forks twice, starts a session and empties its environment is known by none
of these once its parents are dead; it still is a descendant of the agent, and ends when the worker does.
"""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from typing import TYPE_CHECKING

from jobboard.daemon.system import linux

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

MARK = "JOBBOARD_TREE"
"""The environment variable that names the attempt a process was started for."""

AGENT = "JOBBOARD_AGENT"
"""The environment variable that names the worker process an agent, or its guard, belongs to."""

_STOP_ROUNDS = 200


def mark_of(instance: str, token: int) -> str:
    """The value of `MARK` for one attempt: a worker process's own random name, and the attempt's token."""
    return f"{instance}.{token}"


def descendants(root: int, table: Mapping[int, linux.Process]) -> set[int]:
    """Everyone below `root`, without `root`."""
    children: dict[int, list[int]] = defaultdict(list)
    for pid, process in table.items():
        children[process.parent].append(pid)
    found: set[int] = set()
    ahead = [root]
    while ahead:
        fresh = [pid for pid in children[ahead.pop()] if pid not in found]
        found.update(fresh)
        ahead += fresh
    return found


def members(main: int | None, mark: str, brand: int | None = None, agent: int | None = None) -> set[int]:
    """The live processes of one attempt, all below the agent that has started it.

    Args:
        main: The id of its first process, None once that id may name another.
        mark: Its value of `MARK`.
        brand: What its processes carry by `linux.brand_children`; None where they carry nothing.
        agent: The agent; None for this process.
    """
    table = linux.processes()
    entry = f"{MARK}={mark}\0".encode()
    below = descendants(agent or os.getpid(), table)
    found: set[int] = set()
    if main is not None:
        # Where orphans do not come to us, the session is all that ties them to the attempt.
        candidates = below if linux.IS_LINUX else table.keys()
        found.update(pid for pid in candidates if table[pid].session == main)
        found.update(pid for pid in (main,) if pid in table)
    # The others have to be looked at one by one, which is most of the work where there are many.
    for pid in below - found:
        if (brand is not None and linux.brand_of(pid) == brand) or linux.carries(pid, entry):
            found.add(pid)
    for pid in tuple(found):
        found |= descendants(pid, table)
    return found


def below(root: int) -> set[int]:
    """Every live process below `root`."""
    return descendants(root, linux.processes())


def marked(instance: str) -> set[int]:
    """Every live process, wherever it is, that was started by one worker process: agent and guard, too.

    And everyone below them: a command between fork and exec, or without an environment, carries no mark.
    """
    table = linux.processes()
    entries = (f"{MARK}={instance}.".encode(), f"{AGENT}={instance}\0".encode())
    found = {pid for pid in table if any(linux.carries(pid, entry) for entry in entries)}
    for pid in tuple(found):
        found |= descendants(pid, table)
    return found


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each; who is gone, or not ours to signal, is passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def kill(find: Callable[[], Collection[int]]) -> bool:
    """Kill everyone that `find` finds, however fast they fork; whether there was anyone.

    All are stopped first, again and again until a look finds nobody new: what is stopped forks no more.
    """
    stopped: set[int] = set()
    for _ in range(_STOP_ROUNDS):
        fresh = set(find()) - stopped
        if not fresh:
            break
        signal_all(fresh, signal.SIGSTOP)
        stopped |= fresh
    signal_all(stopped, signal.SIGKILL)
    return bool(stopped)
