"""What a daemon tells the system it runs on: that it is ready, what it does, that it is alive, that it stops.

To a service manager it speaks as sd_notify(3) describes, where that has set ``NOTIFY_SOCKET``; to everyone
else through a file that is there while it is ready, and through the title that ps(1) shows. None of it is
worth failing for.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from jobboard.daemon.system import linux

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_MICROSECONDS = 1_000_000
_NAMED = 8
"""How many running jobs are named; more are counted."""


class Announcer:
    """See the module.

    Args:
        ready_file: Holds the process id while the daemon is ready; None for no such file.
        environ: Where the service manager left its address.

    Raises:
        OSError: The file cannot be there.

    Attributes:
        alive_every_s: How often `alive` is to be called; None where nobody watches.
    """

    def __init__(self, *, ready_file: Path | None = None, environ: Mapping[str, str]) -> None:
        self._ready_file = ready_file
        self._manager = environ.get("NOTIFY_SOCKET", "")
        self.alive_every_s = _watched_s(environ)
        if ready_file is not None:
            # Becomes the file in one step: at no instant is there one of a daemon that is not ready.
            self._fresh = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
            # A wrong path is told of now; and a file that one left who was killed says nothing.
            self._fresh.touch()
            self._fresh.unlink()
            ready_file.unlink(missing_ok=True)

    def ready(self) -> None:
        """It does its work from now on."""
        if self._ready_file is not None:
            with suppress(OSError):
                self._fresh.write_text(f"{os.getpid()}\n")
                self._fresh.replace(self._ready_file)
        self._notify("READY=1")

    def alive(self) -> None:
        """It is not stuck."""
        self._notify("WATCHDOG=1")

    def stopping(self) -> None:
        """It takes nothing new. Safe to call twice."""
        if self._ready_file is not None:
            with suppress(OSError):
                self._ready_file.unlink(missing_ok=True)
        self._notify("STOPPING=1")

    def _status(self, text: str) -> None:
        self._notify(f"STATUS={text}")

    def _notify(self, message: str) -> None:
        if not self._manager:
            return
        address = "\0" + self._manager[1:] if self._manager.startswith("@") else self._manager
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)  # noqa: FBT003 - positional by the library's signature
            sock.sendto(message.encode(), address)


class WorkerAnnouncer(Announcer):
    """Says what a worker runs, too.

    Args:
        name: Of the worker.
        slots: How much it runs at once.
        ready_file: As of `Announcer`.
        environ: Likewise.

    Raises:
        OSError: The file cannot be there.
    """

    def __init__(
        self, name: str, slots: int, *, ready_file: Path | None = None, environ: Mapping[str, str]
    ) -> None:
        super().__init__(ready_file=ready_file, environ=environ)
        self._name = name
        self._slots = slots

    def doing(self, running: Sequence[str], *, paused: bool = False) -> None:
        """Which jobs it runs."""
        more = len(running) - _NAMED
        jobs = ", ".join(running[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        free = "paused" if paused else "idle"
        linux.set_title("jobboard-worker", f"jobboard {self._name}: {jobs or free}")
        self._status(f"{len(running)} of {self._slots} running{f': {jobs}' if jobs else f', {free}'}")


class PartAnnouncer(WorkerAnnouncer):
    """Of a daemon that is part of a program which speaks for itself: it says no more than that it is ready.

    Args:
        tell: Called then, in the daemon's own thread.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__("", 0, environ={})
        self._tell = tell

    def ready(self) -> None:
        """It does its work from now on."""
        self._tell()

    def doing(self, running: Sequence[str], *, paused: bool = False) -> None:
        """Nobody asks."""


def _watched_s(environ: Mapping[str, str]) -> float | None:
    """Twice as often as the service manager asks for (sd_watchdog_enabled(3))."""
    asked, meant = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not asked.isdecimal() or not int(asked) or meant not in ("", str(os.getpid())):
        return None
    return int(asked) / _MICROSECONDS / 2
