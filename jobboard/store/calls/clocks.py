"""What time the store has. Everything written bears its time; whoever shows or plans asks for it here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import clock, errors

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store


def now_ms(store: Store) -> int:
    """The instant that scripts see now, in milliseconds, the offset of a test's namespace included.

    A user who may only read keys cannot ask the server for its time: then this machine's clock is taken.

    Raises:
        errors.StoreUnreachable: No answer.
        errors.StoreRefused: The server would not.
    """
    about_test = _about_test(store)
    try:
        (seconds, micros), answer = store.read(("TIME",), about_test)
    except errors.StoreReadOnly:
        server_ms = clock.now_ms()
        (answer,) = store.read(about_test)
    else:
        server_ms = int(seconds) * 1000 + int(micros) // 1000
    return server_ms + _offset_ms(answer)


def offset_ms(store: Store) -> int:
    """How far the instants that scripts see are ahead of the server's: only in a namespace made for tests."""
    return _offset_ms(store.read(_about_test(store))[0])


def _about_test(store: Store) -> tuple[str, ...]:
    return ("HMGET", store.key("meta"), "test", "test_offset_ms")


def _offset_ms(answer: list[bytes | None]) -> int:
    test, offset = answer
    return int(offset) if test == b"1" and offset is not None else 0
