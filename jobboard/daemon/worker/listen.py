"""The worker's ears: what the store says to it, and whether a queue it serves has something.

A token in ``wake:<queue>`` is for whoever takes it, so a worker without room for that queue must not keep
one: it puts the token back and does not listen to that queue until it has room again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.daemon.worker.news import Ended, Stopped
from jobboard.store.calls.bell import Bell
from jobboard.store.calls.connect import explained, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobboard.daemon.worker.news import News
    from jobboard.store.calls.connect import Store

_REST_S = 20.0


class Ears:
    """See the module. For the clerk's thread, which polls it beside its own orders.

    Args:
        store: Its own connection; nobody else uses it.
        worker: Whose messages to take.
        queues: Whose tokens to take, while there is room.
        has_room_for: Says of a queue whether a run of it would be taken now.
        want: Is told that there may be something to reserve, and the key that a token for it was taken from.
        tell: How the loop is told what to end.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        queues: Sequence[str],
        *,
        has_room_for: Callable[[str], bool],
        want: Callable[[str | None], None],
        tell: Callable[[News], None],
    ) -> None:
        self._store = store
        self._ctl = store.key("ctl", worker)
        self._queues: Mapping[str, str] = {store.key("wake", name): name for name in queues}
        self._has_room_for = has_room_for
        self._want = want
        self._tell = tell
        self._deaf_to: frozenset[str] = frozenset()
        self.bell = Bell(store, _REST_S)

    def listen(self) -> None:
        """Have it hear what comes from now on: messages, and tokens of queues that there is room for.

        Raises:
            errors.StoreUnreachable: The store is away, or hangs.
            errors.StoreRefused: It would not.
        """
        if any(self._has_room_for(self._queues[key]) for key in self._deaf_to):
            if self.bell.waiting:
                # The pop that is under way ends by a message to ourselves. A slot that was taken again is no
                # room: to listen would be to take a token and to put it back, for each run of a busy worker.
                with explained(self._store.url):
                    self._store.client.rpush(self._ctl, pack({"look": True}))
            self._deaf_to = frozenset()
        self.bell.listen([self._ctl, *(key for key in self._queues if key not in self._deaf_to)])

    def take(self) -> None:
        """Act on what has come; raises as `listen`."""
        heard = self.bell.heard()
        if heard is not None:
            self._take(*heard)

    def put_back(self, key: str) -> None:
        """A token is for somebody else; raises as `listen`."""
        with explained(self._store.url):
            self._store.client.lpush(key, b"1")

    def close(self) -> None:
        """Hear no more; what was said just now is heard."""
        with suppress(errors.JobboardError):
            self.take()
        self.bell.close()

    def _take(self, key: str, element: bytes) -> None:
        if key == self._ctl:
            self._obey(unpack(element))
        elif self._has_room_for(self._queues[key]):
            self._want(key)
        else:
            self._deaf_to |= {key}
            self.put_back(key)

    def _obey(self, message: Mapping[str, str]) -> None:
        if "cancel" in message:
            self._tell(Ended((message["cancel"],)))
        elif "drain" in message:
            self._tell(Stopped())
        else:
            self._want(None)
