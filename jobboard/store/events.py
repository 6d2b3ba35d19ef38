"""The stream of what happens: every run made, started, ended, passed over, in order.

It is bounded, and nothing that must be right depends on it: for people and for tests who watch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from jobboard.store.connect import explained

if TYPE_CHECKING:
    from jobboard.store.connect import Store

Event = dict[str, str]


def latest_id(store: Store) -> str:
    """The id of the newest event, to read on from; ``0-0`` where there is none."""
    with explained(store.url):
        newest = cast("list[Any]", store.client.xrevrange(store.key("events"), count=1))
    return newest[0][0].decode() if newest else "0-0"


def read_events(store: Store, after: str, *, block_ms: int, count: int = 500) -> list[Event]:
    """Events later than an id, oldest first, waiting up to `block_ms` for the first.

    Each has ``id``, ``e`` (what happened), ``job`` and, where one is concerned, ``run``.
    """
    with explained(store.url):
        answer: Any = store.client.xread({store.key("events"): after}, count=count, block=block_ms)
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or ()]
    # Under RESP3 the client library wraps the entries of a stream in one more list.
    pages = [page[0] if page and isinstance(page[0], list) else page for page in streams]
    return [_event(*entry) for page in pages for entry in page]


def _event(stream_id: bytes, fields: dict[bytes, bytes]) -> Event:
    named = {name.decode(): value.decode(errors="surrogateescape") for name, value in fields.items()}
    return {**named, "id": stream_id.decode()}
