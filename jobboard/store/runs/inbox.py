"""Inboxes: lists that any program may push into, and what was found there that is no run.

``LPUSH 'jb:{NAMESPACE}:inbox:common' 'ls -l'`` is all a program needs. Entries are moved on in one step each,
oldest first, and only as long as they are the ones that were looked at (`lua/take.lua`); what is no run is
set aside, whole, with its reason.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes
from jobboard.store.runs.pushes import packed_parcel
from jobboard.store.runs.runs import UnknownWorker
from jobboard.store.runs.world import read_workers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.pushes import Parcel

PAGE = 50
PAGE_BYTES = 1 << 20
LARGEST_BYTES = 4 << 20
"""A larger entry is no run, and only its beginning is kept."""

MOST_REJECTED = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as it lies in an inbox.

    Attributes:
        sha: What it is known by.
        raw: The entry; of one above `LARGEST_BYTES` its beginning.
        size: Its bytes.
    """

    sha: str
    raw: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Inbox:
    """An inbox, for people: of which queue, how many entries wait in it, and which live workers read it."""

    queue: str
    waiting: int
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that was set aside.

    Attributes:
        id: What it is dealt with by.
        queue: Of whose inbox it is.
        entry: It; of one that was too large, its beginning.
        reason: What is wrong with it.
        at_ms: Since when it is set aside.
        size: Its bytes.
    """

    id: str
    queue: str
    entry: bytes
    reason: str
    at_ms: int
    size: int


def peek(store: Store, queue: str) -> list[Found]:
    """The oldest entries of an inbox, a page of them."""
    answer = store.call("peek", queue=queue, limit=PAGE, bytes=PAGE_BYTES, largest=LARGEST_BYTES)
    return [Found(sha, as_bytes(raw), size) for sha, raw, size in answer[1]]


def take(
    store: Store, worker: str, queue: str, decided: Sequence[tuple[Found, Parcel | str]]
) -> list[str | None]:
    """Move entries on: for each the run that it is now, or None where it was set aside.

    Args:
        store: Where.
        worker: Who does it.
        queue: Whose inbox.
        decided: The oldest entries, as they were seen, with what to make of each: a run, or the reason why it
            is none. It ends at the first that somebody else has moved on.

    Raises:
        UnknownWorker: Say hello first.
    """
    entries = [
        [found.sha, False, made] if isinstance(made, str) else [found.sha, packed_parcel(made, "inbox"), ""]
        for found, made in decided
    ]
    # The mark stays the same when the connection repeats the call, so no entry is taken for another like it.
    answer = store.call("take", worker=worker, queue=queue, request=secrets.token_hex(6), entries=entries)
    if answer[0] == "UNKNOWN":
        raise UnknownWorker(f"the store does not know worker {worker}")
    return [run_id or None for run_id in answer[2]]


def read_inboxes(store: Store, now_ms: int) -> list[Inbox]:
    """The inboxes that are read or have entries, as far as their queues have ever been used."""
    readers: dict[str, list[str]] = {}
    for worker in read_workers(store):
        for queue in worker.inboxes if worker.lease_until_ms > now_ms else ():
            readers.setdefault(queue, []).append(worker.name)
    with explained(store.url):
        used = {name.decode() for name in store.client.sscan_iter(store.key("queues"), count=1000)}
    queues = sorted(used | readers.keys() | {"common"})
    return [
        Inbox(queue, waiting, tuple(readers.get(queue, ())))
        for queue, waiting in zip(queues, waiting_in(store, queues), strict=True)
        if waiting or queue in readers
    ]


def waiting_in(store: Store, queues: Sequence[str]) -> list[int]:
    """How many entries wait in the inbox of each queue."""
    with explained(store.url), store.client.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.llen(store.key("inbox", queue))
        return list(pipe.execute())


def rejected_count(store: Store) -> int:
    """How many entries are set aside."""
    with explained(store.url):
        return int(store.client.xlen(store.key("rejected")))


def read_rejected(store: Store, limit: int = MOST_REJECTED) -> list[Rejected]:
    """The entries that are set aside, newest first."""
    with explained(store.url):
        rows: Any = store.client.xrevrange(store.key("rejected"), count=limit)
    return [_rejected(entry_id.decode(), fields) for entry_id, fields in rows]


def _rejected(entry_id: str, fields: Mapping[bytes, bytes]) -> Rejected:
    return Rejected(
        entry_id,
        fields[b"queue"].decode(),
        fields[b"entry"],
        fields[b"reason"].decode("utf-8", "replace"),
        int(fields[b"at"]),
        int(fields[b"bytes"]),
    )


def sort_out(
    store: Store, ids: Sequence[str], *, again: bool, by: Mapping[str, Any]
) -> tuple[int, list[str]]:
    """Put entries back into their inbox, or drop them: how many, and which cannot go back, kept in part."""
    dealt, partial = 0, []
    for start in range(0, len(ids), PAGE):
        answer = store.call("sort_out", ids=list(ids[start : start + PAGE]), again=again, by=dict(by))
        dealt += answer[1]
        partial += answer[2]
    return dealt, partial
