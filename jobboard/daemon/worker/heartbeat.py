"""The worker's pulse: renews its lease from a thread of its own, so that nothing else can hold it up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.daemon.worker.news import Ended, Renewed, start_thread
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.daemon.worker.clerk import Clerk
    from jobboard.daemon.worker.news import News
    from jobboard.store.calls.connect import Store

_PAUSE_S = 0.5


class Heartbeat:
    """See the module.

    Args:
        store: Its own connection, which gives up on an answer well before the lease ends.
        worker: Whose lease.
        lease_ms: How long it lasts; renewed three times as often.
        clerk: Is told when the store has forgotten us or was away, and to look: a token may have been lost.
        tell: How the loop is told that the lease was renewed, and what was cancelled.
    """

    def __init__(
        self, store: Store, worker: str, lease_ms: int, clerk: Clerk, tell: Callable[[News], None]
    ) -> None:
        self._runs = Runs(store)
        self._worker = worker
        self._lease_ms = lease_ms
        self._clerk = clerk
        self._tell = tell
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = start_thread("heartbeat", self._beat, self._tell)

    def close(self) -> None:
        """Stop. Safe to call twice."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        interval_s = self._lease_ms / 3000
        pause_s = interval_s
        while not self._closed.wait(pause_s):
            pause_s = interval_s if self._beat_once() else min(interval_s, _PAUSE_S)

    def _beat_once(self) -> bool:
        at_s = monotonic_s()
        try:
            beat = self._runs.beat(self._worker, self._lease_ms)
        except (errors.StoreUnreachable, errors.StoreRefused):
            self._clerk.join_again()
            return False
        if not beat.known:
            self._clerk.join_again()
            return True
        self._tell(Renewed(at_s))
        if beat.cancel:
            self._tell(Ended(tuple(beat.cancel)))
        if self._clerk.has_room:
            self._clerk.look()
        return True
