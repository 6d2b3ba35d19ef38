"""The history, newest first, in pages and within a bound; and how far back that was. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.store.calls import clocks
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes
from jobboard.store.runs.recorded import decode_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

PAGE = 500
_LATEST_MS = 3_600_000
"""How much later than its end a run may be recorded, so that a walk that begins at an instant finds it."""
WALKED = 20_000
"""Records of the history one command looks at; further back it says where it stopped."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk through the history found.

    Attributes:
        records: Newest first.
        looked_at: How many records it read.
        back_to_ms: The end of the last that was read, which is the oldest; None where there is none.
        complete: Whether it came to the end of the history, or of what was asked for.
    """

    records: tuple[Record, ...]
    looked_at: int
    back_to_ms: int | None
    complete: bool


def walk(
    store: Store,
    wanted: Callable[[Record], bool],
    *,
    limit: int,
    since_ms: int | None = None,
    until_ms: int | None = None,
    stream: str = "history",
    most: int = WALKED,
) -> Walk:
    """Look through the history, newest first.

    Args:
        store: Where.
        wanted: Which records count.
        limit: How many of them are enough.
        since_ms: Records that ended before this instant are left out, and end the walk.
        until_ms: Records that ended at this instant or later are left out; the walk begins there.
        stream: ``history``, or ``failures`` where only those are asked for.
        most: How many records to look at.
    """
    found: list[Record] = []
    looked_at, back_to_ms = 0, None
    for page in packed_pages(store, stream, _beginning(store, until_ms)):
        records = list(map(decode_record, page))
        for record in records:
            if len(found) == limit or looked_at == most:
                return Walk(tuple(found), looked_at, back_to_ms, complete=False)
            looked_at, back_to_ms = looked_at + 1, record.seen_at_ms
            if within(record, since_ms, until_ms) and wanted(record):
                found.append(record)
        # A result may be reported late, so a page must be wholly too old before what follows surely is.
        if since_ms is not None and all(record.seen_at_ms < since_ms for record in records):
            break
    return Walk(tuple(found), looked_at, back_to_ms, complete=True)


def walk_on(store: Store, wanted: Callable[[Record], bool], *, from_ms: int, limit: int) -> Walk:
    """Look through the history from an instant on, oldest first; then through the failures that outlived it.

    Args:
        store: Where.
        wanted: Which records count.
        from_ms: Records that ended before are not looked at.
        limit: How many of them are enough.
    """
    found: list[Record] = []
    looked_at, came_to_ms = 0, None
    for page in _pages_on(store, from_ms):
        for record in map(decode_record, page):
            if len(found) == limit or looked_at == WALKED:
                return Walk(tuple(found), looked_at, came_to_ms, complete=False)
            looked_at, came_to_ms = looked_at + 1, record.seen_at_ms
            if wanted(record):
                found.append(record)
    return Walk(tuple(found), looked_at, came_to_ms, complete=True)


def oldest_ms(store: Store) -> int | None:
    """When the oldest record ended that is kept; None where there is none."""
    with explained(store.url):
        entries: Any = store.client.xrange(store.key("history"), count=1)
    return decode_record(as_bytes(entries[0][1][b"r"])).seen_at_ms if entries else None


def _pages_on(store: Store, from_ms: int) -> Iterator[list[bytes]]:
    """Records of the history and then failures, oldest first."""
    # In a test's namespace scripts see other instants than those that entries are ordered by.
    begin = "-" if clocks.offset_ms(store) else str(max(0, from_ms))
    for stream in ("history", "failures"):
        after = begin
        while True:
            with explained(store.url):
                entries: Any = store.client.xrange(store.key(stream), after, "+", count=PAGE)
            if entries:
                yield [as_bytes(fields[b"r"]) for _, fields in entries]
            if len(entries) < PAGE:
                break
            after = f"({entries[-1][0].decode()}"


def _beginning(store: Store, until_ms: int | None) -> str:
    """Where in a stream to begin, so that everything that ended before an instant is met."""
    # In a test's namespace scripts see other instants than those that entries are ordered by.
    if until_ms is None or clocks.offset_ms(store):
        return "+"
    return str(max(0, until_ms) + _LATEST_MS)


def within(record: Record, since_ms: int | None, until_ms: int | None) -> bool:
    """Whether a record ended in a span of time: at the first instant or later, and before the second."""
    at_ms = record.seen_at_ms
    return (since_ms is None or at_ms >= since_ms) and (until_ms is None or at_ms < until_ms)


def packed_pages(store: Store, stream: str = "history", before: str = "+") -> Iterator[list[bytes]]:
    """Records, newest first; where the history ends, the failures that outlived what it dropped.

    Args:
        store: Where.
        stream: ``history`` or ``failures``.
        before: Where in it to begin: the id of an entry, or an instant of the server's clock.
    """
    while True:
        with explained(store.url):
            entries: Any = store.client.xrevrange(store.key(stream), before, "-", count=PAGE)
        if not entries:
            if stream == "failures":
                return
            stream = "failures"
            continue
        yield [as_bytes(fields[b"r"]) for _, fields in entries]
        before = f"({entries[-1][0].decode()}"
