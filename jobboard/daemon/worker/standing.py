"""Where a worker stands: what the system is told of it, and what it does when nothing has run for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobboard.daemon.system.announce import WorkerAnnouncer
    from jobboard.daemon.timers import Timers
    from jobboard.daemon.worker.idle import Idle

_SAY_S = 0.2
"""How often, at most, the system is told what runs."""


class Standing:
    """See the module.

    Args:
        timers: Of the loop.
        announcer: Tells the system what the worker does; None for nobody.
        idle: What happens when it has nothing to do; None for nothing.
        running: Which jobs run, when asked.
    """

    def __init__(
        self,
        timers: Timers,
        announcer: WorkerAnnouncer | None,
        idle: Idle | None,
        running: Callable[[], Sequence[str]],
    ) -> None:
        self._timers = timers
        self._announcer = announcer
        self._idle = idle
        self._running = running
        self._announced = self._saying = False
        self._paused = False

    def ready(self) -> None:
        """Say that it takes runs; once, however often this is called."""
        if self._announcer is not None and not self._announced:
            self._announced = True
            self._announcer.ready()
            self._say_soon()

    def changed(self, *, busy: bool, paused: bool) -> None:
        """Something has begun or ended."""
        self._paused = paused
        if self._idle is not None:
            if busy:
                self._idle.busy()
            else:
                self._idle.resting(self._timers)
        self._say_soon()

    def stay_alive(self) -> None:
        """Say that it is not stuck, now and as often from now on as somebody asks for."""
        if self._announcer is not None and self._announcer.alive_every_s is not None:
            self._announcer.alive()
            self._timers.after(self._announcer.alive_every_s, self.stay_alive)

    def stopping(self) -> None:
        """Say that it takes nothing new."""
        if self._announcer is not None:
            self._announcer.stopping()

    def _say_soon(self) -> None:
        if self._announcer is not None and not self._saying:
            self._saying = True
            self._timers.after(_SAY_S, self._say)

    def _say(self) -> None:
        self._saying = False
        if self._announcer is not None:
            self._announcer.doing(self._running(), paused=self._paused)
