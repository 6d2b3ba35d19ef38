"""The worker's ears: sleeps until a queue it serves has something, or somebody has something to say to it.

A token in ``wake:<queue>`` is for whoever takes it, so a worker without room for that queue must not keep
one: it puts the token back and does not listen to that queue until it has room again.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.daemon.news import Ended, Stopped, start_thread
from jobboard.store.calls.connect import explained, pack, unpack
from jobboard.store.calls.listen import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.daemon.clerk import Clerk
    from jobboard.daemon.news import News
    from jobboard.store.calls.connect import Store

log = logging.getLogger("jobboard.worker")

_SLEEP_S = 20.0
_PAUSE_S = 0.2


class Ears:
    """See the module.

    Args:
        store: Its own connection; nobody else uses it.
        worker: Whose messages to take.
        queues: Whose tokens to take, while there is room.
        clerk: Is told to look, or that the store was away.
        tell: How the loop is told what to end.
    """

    def __init__(
        self, store: Store, worker: str, queues: tuple[str, ...], clerk: Clerk, tell: Callable[[News], None]
    ) -> None:
        self._store = store
        self._ctl = store.key("ctl", worker)
        self._clerk = clerk
        self._tell = tell
        self._queues = {store.key("wake", name): name for name in queues}
        self._listener = Listener(store, [self._ctl, *self._queues])
        self._deaf_to: frozenset[str] = frozenset()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = start_thread("ears", self._listen, self._tell)

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        self._closed.set()
        self._listener.close()
        if self._thread is not None:
            self._thread.join()

    def room(self, store: Store) -> None:
        """There may be room again; called by the clerk with its own connection.

        A slot that was taken again at once is none: to listen would be to take a token and to put it back,
        for each run of a busy worker.
        """
        if any(self._clerk.has_room_for(self._queues[key]) for key in self._deaf_to):
            self._deaf_to = frozenset()
            with explained(store.url):
                store.client.rpush(self._ctl, pack({"look": True}))

    @property
    def _heeded(self) -> list[str]:
        return [self._ctl, *(key for key in self._queues if key not in self._deaf_to)]

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                heard = self._listener.wait(_SLEEP_S, self._heeded)
                if heard is not None:
                    self._take(*heard)
            except (errors.StoreUnreachable, errors.StoreRefused):
                self._clerk.join_again()
                self._closed.wait(_PAUSE_S)

    def _take(self, key: str, element: bytes) -> None:
        if key == self._ctl:
            message = unpack(element)
            if "cancel" in message:
                self._tell(Ended((message["cancel"],)))
            elif "drain" in message:
                self._tell(Stopped())
            else:
                self._deaf_to = frozenset()
                self._clerk.look()
        elif self._clerk.has_room_for(self._queues[key]):
            self._clerk.look(key)
        else:
            self._deaf_to = self._deaf_to | {key}
            with explained(self._store.url):
                self._store.client.lpush(key, element)
            if self._clerk.has_room_for(self._queues[key]):
                # It came free between the two looks, and nobody has told us.
                self._deaf_to = frozenset()
                self._clerk.look()
