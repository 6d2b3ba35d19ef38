"""Runs that are over, found by a tag they ended with, without a walk through the history. Reads only.

The last two hundred of each tag are known, of the ten thousand tags that runs ended with last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes
from jobboard.store.runs.recorded import decode_record

if TYPE_CHECKING:
    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

KEPT_BY_TAG = 200


@dataclass(frozen=True, slots=True)
class Tagged:
    """What is known of a tag.

    Attributes:
        records: Of runs that ended with it, newest first; those that the history has dropped are left out.
        back_to_ms: The instant from which on that is all there is; None where it is all there ever was.
    """

    records: tuple[Record, ...]
    back_to_ms: int | None


def read_tagged(store: Store, tag: str) -> Tagged:
    """The runs that ended with a tag."""
    with explained(store.url), store.client.pipeline(transaction=False) as pipe:
        pipe.lrange(store.key("bytag", tag), 0, -1)
        pipe.hget(store.key("meta"), "tags_since")
        entries, since = pipe.execute()
    records = _records(store, [entry.decode() for entry in entries])
    if len(entries) >= KEPT_BY_TAG and records:
        return Tagged(tuple(records), records[-1].seen_at_ms)
    return Tagged(tuple(records), None if since is None else int(float(since)))


def _records(store: Store, entries: list[str]) -> list[Record]:
    """The records; a failure that the history has dropped may still be among the failures."""
    if not entries:
        return []
    places = [entry.partition(" ")[::2] for entry in entries]
    with explained(store.url), store.client.pipeline(transaction=False) as pipe:
        for in_history, in_failures in places:
            pipe.xrange(store.key("history"), in_history, in_history)
            pipe.xrange(store.key("failures"), in_failures or "0", in_failures or "0")
        pages: list[Any] = pipe.execute()
    found = [page or other for page, other in zip(pages[::2], pages[1::2], strict=True)]
    return [decode_record(as_bytes(page[0][1][b"r"])) for page in found if page]
