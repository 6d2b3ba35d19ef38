"""Children that have died, how they ended, and the end of all that are left."""

from __future__ import annotations

import os
import signal

from jobboard.clock import monotonic_s
from jobboard.daemon.system import tree

GIVE_UP_S = 2.0
"""How long after the kill an attempt is still waited for: a process stuck in the kernel may not die."""


def watch_children() -> int:
    """A descriptor that reads when a child has died."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return read_end


def dead_children() -> list[tuple[int, int]]:
    """Process id and wait status of every child that has died since the last look."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status))


def exit_of(status: int | None) -> tuple[int | None, str | None]:
    """Exit code, or the signal's name, of a wait status; neither for a process that would not die."""
    if status is None:
        return None, None
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code, None
    try:
        return None, signal.Signals(-code).name
    except ValueError:
        return None, f"SIG{-code}"


def end_all(root: int, within_s: float = GIVE_UP_S) -> None:
    """Kill every descendant of `root`, which is this process, and reap it."""
    give_up_at_s = monotonic_s() + within_s
    while tree.kill(lambda: tree.below(root)) and monotonic_s() < give_up_at_s:
        dead_children()
    dead_children()
