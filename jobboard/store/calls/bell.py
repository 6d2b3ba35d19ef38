"""Waiting for the store together with other things: a blocking pop whose answer comes to a descriptor.

`store.calls.listen` has a thread sleep in the pop. A thread that has to hear others as well begins one here,
and polls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.store.calls.connect import explained

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobboard.store.calls.connect import Store

# How much later than asked for an answer may come before the server counts as gone.
_GRACE_S = 5.0


class Bell:
    """One pop at a time, of the next element of some lists; for one thread.

    Args:
        store: Says where; the bell opens a connection of its own.
        rest_s: How long a pop is under way at most, when nothing comes.
    """

    def __init__(self, store: Store, rest_s: float) -> None:
        self._store = store.again(timeout_s=_GRACE_S)
        self._connection: Any = self._store.client.connection_pool.make_connection()
        self._rest_s = rest_s
        self._overdue_at_s: float | None = None

    @property
    def waiting(self) -> bool:
        """Whether a pop is under way."""
        return self._overdue_at_s is not None

    def fileno(self) -> int:
        """What to poll for reading while a pop is under way."""
        # The library has no public way to wait for several connections at once.
        return int(self._connection._sock.fileno())  # noqa: SLF001

    def wait_s(self) -> float | None:
        """How long to poll at most, to find out a server that hangs; None where no pop is under way."""
        return None if self._overdue_at_s is None else max(0.0, self._overdue_at_s - monotonic_s())

    def listen(self, keys: Iterable[str]) -> None:
        """Begin a pop, the first list first, unless one is under way.

        Raises:
            errors.StoreUnreachable: The server is gone, or hangs; the next call connects anew.
            errors.StoreRefused: The server would not.
        """
        if self._overdue_at_s is None:
            self._try(lambda: self._send(keys))
        elif monotonic_s() >= self._overdue_at_s:
            self._drop()
            raise errors.StoreUnreachable(f"no answer from {self._store.shown_url}: it hangs")

    def heard(self) -> tuple[str, bytes] | None:
        """Its element, and the list that it was in; None where nothing has come yet, or the time was up.

        Raises:
            errors.StoreUnreachable, errors.StoreRefused: As `listen`.
        """
        found: tuple[str, bytes] | None = self._try(self._receive)
        return found

    def close(self) -> None:
        """Drop the connection. Safe to call twice."""
        self._drop()
        self._store.close()

    def _send(self, keys: Iterable[str]) -> None:
        self._connection.connect()
        self._connection.send_command("BLPOP", *keys, f"{self._rest_s:.3f}")
        self._overdue_at_s = monotonic_s() + self._rest_s + _GRACE_S

    def _receive(self) -> tuple[str, bytes] | None:
        if self._overdue_at_s is None or not self._connection.can_read(0):
            return None
        reply = self._connection.read_response()
        self._overdue_at_s = None
        return (reply[0].decode(), reply[1]) if reply else None

    def _try(self, act: Any) -> Any:
        try:
            with explained(self._store.url):
                return act()
        except errors.JobboardError:
            self._drop()
            raise

    def _drop(self) -> None:
        self._overdue_at_s = None
        self._connection.disconnect()
