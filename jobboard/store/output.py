"""The output of runs: chunks of bytes, by attempt, as they were written. Uses read commands only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.store import events
from jobboard.store.connect import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.store.connect import Store

PAGE = 256
"""Chunks in one call; a worker sends them in pieces of a few KiB."""
_LOOK_AGAIN_MS = 5_000
_STREAMS = {b"o": "stdout", b"e": "stderr"}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of output.

    Attributes:
        id: Its place in the run's output.
        attempt: The try that wrote it.
        token: Tells apart two attempts of one number: what is lost or deferred uses up none.
        content: The bytes, as they were written.
        at_ms: When they were written, nearly.
        stream: ``stdout`` or ``stderr``; empty where both are one.
    """

    id: str
    attempt: int
    token: int
    content: bytes
    at_ms: int = 0
    stream: str = ""


def has_output(store: Store, run_id: str) -> bool:
    """Whether anything is kept of the run's output."""
    with explained(store.url):
        return bool(store.client.exists(store.key("out", run_id)))


def read_output(store: Store, run_id: str, after: str = "") -> Iterator[Chunk]:
    """What is kept of a run's output, later than a chunk's id; in pages."""
    while True:
        with explained(store.url):
            rows: Any = store.client.xrange(
                store.key("out", run_id), f"({after}" if after else "-", "+", count=PAGE
            )
        for chunk_id, fields in rows:
            yield _chunk(chunk_id, fields)
        if len(rows) < PAGE:
            return
        after = rows[-1][0].decode()


def read_tail(store: Store, run_id: str, chunks: int = 32) -> list[Chunk]:
    """The last chunks of a run's output, in the order they were written."""
    with explained(store.url):
        rows: Any = store.client.xrevrange(store.key("out", run_id), count=chunks)
    return [_chunk(chunk_id, fields) for chunk_id, fields in reversed(rows)]


def follow_output(store: Store, run_id: str) -> Iterator[Chunk]:
    """A run's output from its beginning, then as it is written, until the run is over."""
    seen, event = "", events.latest_id(store)
    while True:
        # Asked first: what a run wrote is there before its end is.
        over = not _lives(store, run_id)
        for chunk in read_output(store, run_id, seen):
            seen = chunk.id
            yield chunk
        if over:
            return
        event = _wait(store, run_id, seen, event)


def _wait(store: Store, run_id: str, seen: str, event: str) -> str:
    """Sleep until there is more output or another event; the newest event's id."""
    streams: Any = {store.key("out", run_id): seen or "0-0", store.key("events"): event}
    with explained(store.url):
        answer: Any = store.client.xread(streams, count=1000, block=_LOOK_AGAIN_MS)
    pairs = answer.items() if isinstance(answer, dict) else answer or ()
    for key, page in pairs:
        if key == store.key("events").encode():
            # Under RESP3 the client library wraps the entries of a stream in one more list.
            entries = page[0] if page and isinstance(page[0], list) else page
            event = entries[-1][0].decode()
    return event


def _lives(store: Store, run_id: str) -> bool:
    with explained(store.url):
        return bool(store.client.exists(store.key("run", run_id)))


def _chunk(chunk_id: bytes, fields: dict[bytes, bytes]) -> Chunk:
    place = chunk_id.decode()
    return Chunk(
        place,
        int(fields[b"a"]),
        int(fields.get(b"t", b"0")),
        fields[b"d"],
        int(fields.get(b"w", place.partition("-")[0])),
        _STREAMS.get(fields.get(b"s", b""), ""),
    )
