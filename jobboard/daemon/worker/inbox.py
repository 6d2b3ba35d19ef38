"""The worker's letter box: sleeps until an inbox it reads has an entry, and moves it into the queue.

Only a worker that was told to reads one: what lies there was put there by whoever reaches the store.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.daemon.worker.news import start_thread
from jobboard.store.calls.listen import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.daemon.worker.news import News
    from jobboard.store.calls.connect import Store

_SLEEP_S = 20.0
_PAUSE_S = 0.2


class InboxReader:
    """See the module.

    Args:
        store: Its own connection; nobody else uses it.
        worker: Who reads.
        queue: Whose inbox.
        tell: How the loop is told of a failure.
    """

    def __init__(self, store: Store, worker: str, queue: str, tell: Callable[[News], None]) -> None:
        self._store = store
        self._worker = worker
        self._queue = queue
        self._tell = tell
        self._listener = Listener(store, [store.key("inbox", queue)])
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = start_thread(f"inbox {self._queue}", self._read, self._tell)

    def close(self) -> None:
        """Stop reading. Safe to call twice."""
        self._closed.set()
        self._listener.close()
        if self._thread is not None:
            self._thread.join()

    def _read(self) -> None:
        # The checks of boards come with it, which a worker without an inbox has no need of.
        from jobboard.reconcile.inboxing import take_page

        while not self._closed.is_set():
            try:
                if self._listener.notice(_SLEEP_S):
                    take_page(self._store, self._worker, self._queue)
            except (errors.StoreUnreachable, errors.StoreRefused):
                # Away, full, or not told of us yet: what waits there waits, and the others join again.
                self._closed.wait(_PAUSE_S)
