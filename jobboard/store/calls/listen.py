"""Sleeping until the store has something for us.

Daemons do not poll: they block on lists into which scripts push a token. The connection is the listener's
own, since a blocked one serves nothing else.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from jobboard import errors
from jobboard.store.calls.connect import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.store.calls.connect import Store

# How much later than asked for an answer may come before the server counts as gone.
_GRACE_S = 5.0
# BLPOP takes 0 for "for ever".
_SHORTEST_S = 0.001


class Listener:
    """Waits for the next element of any of some lists, the first named first.

    One thread waits; any thread may close it, which ends the waiting at once.

    Args:
        store: Says where; the listener opens a connection of its own.
        keys: Full names, as `Store.key` gives them.
    """

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        self._store = store.again(timeout_s=_GRACE_S)
        self._keys = tuple(keys)
        self._connection: Any = self._store.client.connection_pool.make_connection()
        self._waiting = threading.Lock()
        self._closed = False

    def wait(self, timeout_s: float, keys: Sequence[str] | None = None) -> tuple[str, bytes] | None:
        """Take the next element: its key and itself. None when the time is up or the listener is closed.

        Args:
            timeout_s: How long to wait.
            keys: Only these of its keys, this time.

        Raises:
            errors.StoreUnreachable: The server is gone; the next call connects anew.
            errors.StoreRefused: The server would not.
        """
        with self._waiting:
            try:
                reply = self._ask("BLPOP", *(keys or self._keys), timeout_s=max(timeout_s, _SHORTEST_S))
            except errors.JobboardError:
                self._connection.disconnect()
                if self._closed:
                    return None
                raise
        return (reply[0].decode(), reply[1]) if reply else None

    def notice(self, timeout_s: float) -> bool:
        """Wait until the first of its lists has an element, and leave it there; whether it has.

        False too when the time is up or the listener is closed. Raises as `wait`.
        """
        key = self._keys[0]
        with self._waiting:
            try:
                # Moved to where it is: the one way to wait for an element without taking it.
                words = ("BLMOVE", key, key, "RIGHT", "RIGHT")
                return self._ask(*words, timeout_s=max(timeout_s, _SHORTEST_S)) is not None
            except errors.JobboardError:
                self._connection.disconnect()
                if self._closed:
                    return False
                raise

    def close(self) -> None:
        """End any waiting, then drop the connection. Safe to call twice, and from any thread."""
        self._closed = True
        # The library has no public way to interrupt a read: only ending the socket under it wakes a thread
        # that waits for a server which does not answer.
        blocked: socket.socket | None = self._connection._sock  # noqa: SLF001
        if blocked is not None:
            with suppress(OSError):
                blocked.shutdown(socket.SHUT_RDWR)
        with self._waiting:
            self._connection.disconnect()
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, *words: str, timeout_s: float) -> Any:
        with explained(self._store.url):
            if self._closed:
                return None
            self._connection.connect()
            # Looked at again, with a socket that `close` can see: closing now or later ends the read below.
            if self._closed:
                return None
            self._connection.send_command(*words, f"{timeout_s:.3f}")
            if not self._connection.can_read(timeout_s + _GRACE_S):
                raise errors.StoreUnreachable(f"no answer from {self._store.shown_url}: it hangs")
            return self._connection.read_response()
