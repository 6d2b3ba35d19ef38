"""Locks on files: held by a process, let go of by the kernel when it dies, whatever it dies of."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Self

from jobboard import clock

if TYPE_CHECKING:
    from pathlib import Path

_POLL_S = 0.002


class LockFile:
    """An open lock file, holding nothing yet.

    Its descriptor is not inherited by commands we run. The file is made where it is missing, and never
    removed: two processes must never lock two files of one name.
    """

    def __init__(self, path: Path) -> None:
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def fileno(self) -> int:
        """The descriptor, for a process that shall inherit the lock."""
        if self._fd is None:
            raise ValueError("the lock file is closed")
        return self._fd

    def try_exclusive(self) -> bool:
        """Take it alone, at once; whether it could be had. On failure a shared hold is lost."""
        return self._try(fcntl.LOCK_EX)

    def acquire_exclusive(self, timeout_s: float) -> bool:
        """Take it alone, within that time; whether it could be had."""
        return self._acquire(fcntl.LOCK_EX, timeout_s)

    def acquire_shared(self, timeout_s: float) -> bool:
        """Take it together with others, within that time; whether it could be had."""
        return self._acquire(fcntl.LOCK_SH, timeout_s)

    def close(self) -> None:
        """Close the descriptor. The lock is free unless another process inherited it. Safe to call twice."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self.fileno(), kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _acquire(self, kind: int, timeout_s: float) -> bool:
        deadline = clock.monotonic_s() + timeout_s
        while not self._try(kind):
            if clock.monotonic_s() > deadline:
                return False
            time.sleep(_POLL_S)
        return True
