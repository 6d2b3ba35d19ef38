"""Waiting for what happens, never for time to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.clock import monotonic_s
from jobboard.store.runs.events import later_events, read_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.store.calls.connect import Store

Event = dict[str, str]


def events_of(store: Store, after: str = "-") -> list[Event]:
    """Every event so far, oldest first, each with its stream id as ``id``; only those later than `after`."""
    return list(later_events(store, "0" if after == "-" else after))


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
            for event in events_after(listening, after, left_s):
                if predicate(event):
                    return event
                seen.append(event)
                after = event["id"]
    raise AssertionError(f"no such event within {timeout_s} s; seen: {seen}")


def events_after(store: Store, after: str, wait_s: float) -> list[Event]:
    """A page of events later than the id `after`; none if there are none within the time."""
    return read_events(store, after, block_ms=max(1, int(wait_s * 1000)))
