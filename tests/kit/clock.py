"""The test clock: the store's own time, moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store


class StoreClock:
    """Moves the time that the scripts of one test namespace see: ``now = TIME + offset``.

    It goes on running from where it is set. Instants are milliseconds since the epoch.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> int:
        """The instant that scripts see now."""
        return self._server_ms() + self._offset_ms()

    def set(self, instant_ms: int) -> None:
        """From now on scripts see this instant, running on."""
        self._move_to(instant_ms - self._server_ms())

    def advance(self, span_ms: int) -> None:
        """Let so many milliseconds have passed (or un-passed, when negative)."""
        self._move_to(self._offset_ms() + span_ms)

    def wake(self) -> None:
        """Make schedulers that sleep look at the clock again."""
        self._store.client.rpush(self._store.key("wake:scheduler"), b"clock")

    def _server_ms(self) -> int:
        seconds, micros = self._store.client.time()
        return seconds * 1000 + micros // 1000

    def _offset_ms(self) -> int:
        return int(
            cast("bytes | None", self._store.client.hget(self._store.key("meta"), "test_offset_ms")) or 0
        )

    def _move_to(self, offset_ms: int) -> None:
        self._store.client.hset(self._store.key("meta"), "test_offset_ms", str(offset_ms))
