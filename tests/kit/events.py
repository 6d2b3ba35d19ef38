"""Waiting for what happens, never for time to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from jobboard.clock import monotonic_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.store.calls.connect import Store

Event = dict[str, str]


def events_of(store: Store, after: str = "-") -> list[Event]:
    """Every event so far, oldest first, each with its stream id as ``id``; only those later than `after`."""
    start = after if after == "-" else f"({after}"
    entries = cast(
        "list[tuple[bytes, dict[bytes, bytes]]]", store.client.xrange(store.key("events"), start, "+")
    )
    return [_event(*entry) for entry in entries]


def wait_for_event(
    store: Store, predicate: Callable[[Event], bool], timeout_s: float = 10.0, *, after: str = "0"
) -> Event:
    """The first event for which `predicate` holds, from the stream's beginning or later than the id `after`.

    Waits with XREAD BLOCK. Fails with everything it did see when `timeout_s` have passed.
    """
    deadline = monotonic_s() + timeout_s
    seen: list[Event] = []
    with store.again(timeout_s=None) as listening:
        while (left_s := deadline - monotonic_s()) > 0:
            for event in _next_events(listening, after, left_s):
                if predicate(event):
                    return event
                seen.append(event)
                after = event["id"]
    raise AssertionError(f"no such event within {timeout_s} s; seen: {seen}")


def events_after(store: Store, after: str, wait_s: float) -> list[Event]:
    """A page of events later than the id `after`; none if there are none within the time."""
    return _next_events(store, after, wait_s)


def _next_events(store: Store, after: str, left_s: float) -> list[Event]:
    streams: Any = store.client.xread(
        {store.key("events"): after}, count=500, block=max(1, int(left_s * 1000))
    )
    pages = streams.values() if isinstance(streams, dict) else [entries for _, entries in streams or ()]
    return [_event(*entry) for page in pages for entry in _flat(page)]


def _flat(page: list[Any]) -> list[tuple[bytes, dict[bytes, bytes]]]:
    # Under RESP3 the client library wraps a stream's entries in one more list than under RESP2.
    return page[0] if page and isinstance(page[0], list) else page


def _event(stream_id: bytes, fields: dict[bytes, bytes]) -> Event:
    named = {k.decode(): v.decode(errors="surrogateescape") for k, v in fields.items()}
    return {**named, "id": stream_id.decode()}
