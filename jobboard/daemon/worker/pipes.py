"""The output of attempts: read as it comes, passed on in pieces worth a call, listened to until quiet.

A command's pipe may stay open long after the command has ended, since whatever it left in the background
holds it too. So an attempt is over once its first process has ended and its pipe has been quiet for a while;
what comes later is read, so that nobody blocks on it, and forgotten.
"""

from __future__ import annotations

import os
import selectors
from typing import TYPE_CHECKING

from jobboard.clock import monotonic_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.daemon.timers import Timers
    from jobboard.daemon.worker.attempt import Attempt
    from jobboard.daemon.worker.output import Piece
    from jobboard.store.runs.runs import Reserved

_READ_BYTES = 1 << 20
_REST_READS = 4
"""A pipe holds one read's worth; what comes on top was written after the end."""

_QUIET_S = 0.2
_NOISY_S = 2.0
"""How long after the end of a command its pipe must be quiet, and how long a noisy one is listened to."""

_FLUSH_S = 0.05


class Pipes:
    """The pipes of one worker's attempts.

    Args:
        selector: Of the loop; a pipe is registered with what to call when it reads.
        timers: Of the loop.
        pass_on: Takes a piece of a run's output.
        over: Is told that an attempt has exited and its output is complete.
        too_much: Is told that an attempt has printed more than its job allows.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        timers: Timers,
        pass_on: Callable[[Reserved, Piece], None],
        over: Callable[[Attempt], None],
        too_much: Callable[[Attempt], None],
    ) -> None:
        self._selector = selector
        self._timers = timers
        self._pass_on = pass_on
        self._over = over
        self._too_much = too_much
        self._buffer = bytearray(_READ_BYTES)

    def open(self, attempt: Attempt, fd: int, stream: str = "") -> None:
        """Listen to a pipe of an attempt that has started; `stream` says of which, where there are two."""
        attempt.output_fds[fd] = stream
        os.set_blocking(fd, False)
        self._selector.register(fd, selectors.EVENT_READ, lambda: self._read(attempt, fd))

    def exited(self, attempt: Attempt) -> None:
        """The attempt's first process has ended: say so once its output is complete."""
        self.read_rest(attempt)
        if not attempt.output_fds:
            if not attempt.concluded:
                self._over(attempt)
        else:
            self._await_quiet(attempt, monotonic_s() + _NOISY_S, None)

    def read_rest(self, attempt: Attempt) -> None:
        """Read what is in the pipes now, and not for ever what a grandchild puts there."""
        for fd in tuple(attempt.output_fds):
            for _ in range(_REST_READS):
                if not self._read(attempt, fd):
                    break

    def conclude(self, attempt: Attempt) -> None:
        """Pass on what is left of an attempt that is over."""
        attempt.concluded = True
        if attempt.timer is not None:
            attempt.timer.cancel()
        for piece in (*attempt.capture.take_head(), *attempt.capture.take_tail()):
            self._pass_on(attempt.reserved, piece)

    def _await_quiet(self, attempt: Attempt, until_s: float, read_before: int | None) -> None:
        """Conclude once nothing has come for a while; a grandchild may hold the pipe open for ever."""
        if attempt.concluded:
            return
        read_bytes = attempt.capture.read_bytes
        if read_bytes == read_before or monotonic_s() >= until_s:
            self._over(attempt)
            return
        attempt.timer = self._timers.after(_QUIET_S, lambda: self._await_quiet(attempt, until_s, read_bytes))

    def _read(self, attempt: Attempt, fd: int) -> bool:
        """Read once from a pipe of an attempt; whether there was anything."""
        if fd not in attempt.output_fds:
            return False  # closed since the selector saw it
        try:
            count = os.readv(fd, [self._buffer])
        except BlockingIOError:
            return False
        if count == 0:
            self._close(attempt, fd)
            return False
        if not attempt.concluded:
            self._take(attempt, bytes(memoryview(self._buffer)[:count]), attempt.output_fds[fd])
        return True

    def _take(self, attempt: Attempt, chunk: bytes, stream: str) -> None:
        attempt.heard_at_s = monotonic_s()
        attempt.capture.feed(chunk, attempt.heard_at_s, stream)
        if attempt.most_bytes is not None and attempt.capture.read_bytes > attempt.most_bytes:
            attempt.most_bytes = None
            self._too_much(attempt)
        if not attempt.flushing:
            # The first of a burst at once, the rest in pieces worth a call.
            attempt.flushing = True
            self._flush(attempt)

    def _flush(self, attempt: Attempt) -> None:
        pieces = attempt.capture.take_head()
        if pieces and not attempt.concluded:
            for piece in pieces:
                self._pass_on(attempt.reserved, piece)
            self._timers.after(_FLUSH_S, lambda: self._flush(attempt))
        else:
            attempt.flushing = False

    def _close(self, attempt: Attempt, fd: int) -> None:
        self._selector.unregister(fd)
        os.close(fd)
        del attempt.output_fds[fd]
        if not attempt.output_fds and attempt.exited is not None and not attempt.concluded:
            self._over(attempt)
