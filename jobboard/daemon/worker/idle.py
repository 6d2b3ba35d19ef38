"""What a worker does when it has had nothing to run for a while: run a command, or stop."""

from __future__ import annotations

import logging
import os
import subprocess
import threading
from typing import TYPE_CHECKING

from jobboard.clock import monotonic_s
from jobboard.core.jobs.launch import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.daemon.timers import Timers

log = logging.getLogger("jobboard.worker")


class Idle:
    """Counts how long nothing has run.

    Args:
        span_ms: After how long to act; once, until something has run again.
        act: What to do, in the loop; see `running` for a command.
    """

    def __init__(self, span_ms: int, act: Callable[[], None]) -> None:
        self._span_s = span_ms / 1000
        self._act = act
        self._since_s: float | None = None
        self._armed = False

    def busy(self) -> None:
        """Something runs."""
        self._since_s = None

    def resting(self, timers: Timers) -> None:
        """Nothing runs, from now on."""
        self._since_s = monotonic_s()
        # One timer however often work comes and goes; it looks again if it comes too early.
        if not self._armed:
            self._arm(timers, self._since_s + self._span_s)

    def _arm(self, timers: Timers, at_s: float) -> None:
        self._armed = True
        timers.at(at_s, lambda: self._look(timers))

    def _look(self, timers: Timers) -> None:
        self._armed = False
        if self._since_s is None:
            return
        at_s = self._since_s + self._span_s
        if monotonic_s() < at_s:
            self._arm(timers, at_s)
            return
        self._since_s = None
        log.info("nothing has run for %g s", self._span_s, extra={"action": "idle"})
        self._act()


def running(command: str) -> Callable[[], None]:
    """What starts a command of the shell, and says in the log how it ended. Nobody waits for it."""

    def wait(child: subprocess.Popen[bytes]) -> None:
        code = child.wait()
        level = logging.ERROR if code else logging.INFO
        log.log(level, "the idle command ended: exit %d", code, extra={"action": "idle"})

    def start() -> None:
        log.info("running the idle command: %s", command, extra={"action": "idle"})
        # In our own session: what is in another is taken for a run's when the agent has died.
        child = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name != HIDDEN},
        )
        threading.Thread(target=wait, args=(child,), name="idle", daemon=True).start()

    return start
