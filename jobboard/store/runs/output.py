"""The output of runs: chunks of bytes, by attempt, as they were written. Uses read commands only.

Of an attempt whose output is in files the store has one chunk, which says where. On the host that has them
they are read in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard import logfile
from jobboard.logfile import Place
from jobboard.store.calls.connect import explained
from jobboard.store.runs import events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobboard.store.calls.connect import Store

PAGE = 256
"""Chunks in one call; a worker sends them in pieces of a few KiB."""
_LOOK_AGAIN_MS = 5_000
_LOOK_INTO_FILES_MS = 200
_END_BYTES = 1 << 14
_STREAMS = {b"o": "stdout", b"e": "stderr", b"f": "file"}


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
        place: Where the attempt's output is that cannot be read from here; there is no content then.
    """

    id: str
    attempt: int
    token: int
    content: bytes
    at_ms: int = 0
    stream: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """Of some runs, those whose output the store keeps, and those that are not over."""

    kept: frozenset[str]
    live: frozenset[str]


def keeping(store: Store, run_ids: Sequence[str]) -> Keeping:
    """Of which of these runs output is kept, wherever it is, and which of them are not over."""
    with explained(store.url), store.client.pipeline(transaction=False) as pipeline:
        for run_id in run_ids:
            pipeline.exists(store.key("out", run_id))
            pipeline.exists(store.key("run", run_id))
        found = pipeline.execute()
    return Keeping(
        frozenset(run_id for run_id, there in zip(run_ids, found[::2], strict=True) if there),
        frozenset(run_id for run_id, there in zip(run_ids, found[1::2], strict=True) if there),
    )


def has_output(store: Store, run_id: str) -> bool:
    """Whether anything is kept of the run's output."""
    with explained(store.url):
        return bool(store.client.exists(store.key("out", run_id)))


def read_output(store: Store, run_id: str) -> Iterator[Chunk]:
    """What is kept of a run's output; in pages."""
    for chunk in _chunks(store, run_id):
        if chunk.stream == "file":
            yield from _File(chunk).more()
        else:
            yield chunk


class _File:
    """An attempt's output in files, read as far as it has come.

    Args:
        line: What the store has of it.
    """

    def __init__(self, line: Chunk) -> None:
        self._line = line
        self._place = Place.read(line.content.decode("utf-8", "surrogateescape"))
        self._reader = logfile.Reader(self._place.stem)
        self._said = False

    def more(self) -> Iterator[Chunk]:
        """What has come since; once that it is out of reach."""
        if not (self._place.is_here and self._place.path.exists()):
            if not self._said:
                yield replace(self._line, content=b"", stream="", place=self._place)
            self._said = True
            return
        for piece in self._reader.more():
            yield replace(self._line, content=piece.content, at_ms=piece.at_ms, stream=piece.stream)

    def end(self) -> Chunk:
        """The last of it."""
        here = logfile.read_end(self._place.stem, _END_BYTES) if self._place.is_here else b""
        return replace(self._line, content=here, stream="", place=None if here else self._place)


def _chunks(store: Store, run_id: str, after: str = "") -> Iterator[Chunk]:
    """What the store has of a run's output, later than a chunk's id; in pages."""
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
    found = [_chunk(chunk_id, fields) for chunk_id, fields in reversed(rows)]
    return [_File(chunk).end() if chunk.stream == "file" else chunk for chunk in found]


def follow_output(store: Store, run_id: str) -> Iterator[Chunk]:
    """A run's output from its beginning, then as it is written, until the run is over."""
    seen, event = "", events.latest_id(store)
    files: list[_File] = []
    while True:
        # Asked first: what a run wrote is there before its end is.
        over = not _lives(store, run_id)
        for chunk in _chunks(store, run_id, seen):
            seen = chunk.id
            if chunk.stream == "file":
                files.append(_File(chunk))
            else:
                yield chunk
        for file in files:
            yield from file.more()
        if over:
            return
        event = _wait(store, run_id, seen, event, _LOOK_INTO_FILES_MS if files else _LOOK_AGAIN_MS)


def _wait(store: Store, run_id: str, seen: str, event: str, most_ms: int) -> str:
    """Sleep until there is more output or another event; the newest event's id."""
    streams: Any = {store.key("out", run_id): seen or "0-0", store.key("events"): event}
    with explained(store.url):
        answer: Any = store.client.xread(streams, count=1000, block=most_ms)
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
