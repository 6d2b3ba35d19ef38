"""What time the store has. Everything written bears its time; whoever shows or plans asks for it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from jobboard import clock, errors
from jobboard.store.connect import explained

if TYPE_CHECKING:
    from jobboard.store.connect import Store


def now_ms(store: Store) -> int:
    """The instant that scripts see now, in milliseconds, the offset of a test's namespace included.

    A user who may only read keys cannot ask the server for its time: then this machine's clock is taken.

    Raises:
        errors.StoreUnreachable: No answer.
        errors.StoreRefused: The server would not.
    """
    return _server_ms(store) + _test_offset_ms(store)


def _server_ms(store: Store) -> int:
    try:
        with explained(store.url):
            seconds, micros = store.client.time()
    except errors.StoreReadOnly:
        return clock.now_ms()
    return seconds * 1000 + micros // 1000


def _test_offset_ms(store: Store) -> int:
    with explained(store.url):
        test, offset = cast(
            "list[bytes | None]", store.client.hmget(store.key("meta"), ["test", "test_offset_ms"])
        )
    return int(offset) if test == b"1" and offset is not None else 0
