"""A letter box for a thread that waits on descriptors: others put things in, and it wakes."""

from __future__ import annotations

import os
import queue
import threading
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")

_MOST_BYTES = 4096


class Mailbox(Generic[Item]):
    """What other threads have for one; `put` from any of them, everything else from that one."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._read_fd, self._write_fd = os.pipe()
        for fd in (self._read_fd, self._write_fd):
            os.set_blocking(fd, False)
        self._putting = threading.Lock()

    def fileno(self) -> int:
        """What reads while something may be in it."""
        return self._read_fd

    def put(self, item: Item) -> None:
        """Put something in; what comes after the end is lost."""
        self._items.put(item)
        self.wake()

    def lay(self, item: Item) -> None:
        """Put something in that is taken at the next `wake`, or before."""
        self._items.put(item)

    def wake(self) -> None:
        """Have what is in it taken."""
        with self._putting:
            if self._write_fd >= 0:
                with suppress(BlockingIOError):  # full: who reads is about to wake
                    os.write(self._write_fd, b"n")

    def take(self) -> list[Item]:
        """Everything in it, in order."""
        with suppress(BlockingIOError):
            os.read(self._read_fd, _MOST_BYTES)
        taken = []
        with suppress(queue.Empty):
            while True:
                taken.append(self._items.get_nowait())
        return taken

    def close(self) -> None:
        """Nobody takes anything any more."""
        with self._putting:
            os.close(self._write_fd)
            self._write_fd = -1
        os.close(self._read_fd)
