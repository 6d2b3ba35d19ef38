"""The stream of what happens: every run made, started, ended, passed over, in order.

It is bounded, and nothing that must be right depends on it: for people and for tests who watch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from jobboard.core.times.instant import format_instant
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jobboard.store.calls.connect import Store

Event = dict[str, str]

KINDS = (
    *("fired", "queued", "delayed", "blocked", "waiting", "reserved", "progress", "stopping", "finished"),
    *("retry", "defer", "drained", "lost", "adopted", "fenced", "skipped", "missed", "held"),
    *("worker", "worker gone", "halted", "renewed", "late", "overdue", "recovered", "rejected", "retried"),
    *("unlocked", "draining", "rescheduled", "tagged", "tracked", "untracked", "destroyed"),
)
"""What an event may be of; a newer version may know more."""
CHANNELS = (
    *("put", "started", "completed"),
    *(kind.replace(" ", "-") for kind in KINDS if kind not in ("reserved", "finished")),
    *("failed", "cancelled"),
)
"""Where events are published, in a namespace that is set to, behind ``jb:{NAMESPACE}:on:``: on the channel of
their kind; ``put`` of every run that is made, ``started`` of one that a worker has taken, and of one that is
over ``completed``, ``failed``, ``cancelled`` or ``skipped``.
"""
PAGE = 500
_INSTANTS = ("nominal", "due")
_NUMBERS = ("attempt", "percent", "delay_ms")


def latest_id(store: Store) -> str:
    """The id of the newest event, to read on from; ``0-0`` where there is none."""
    with explained(store.url):
        newest = cast("list[Any]", store.client.xrevrange(store.key("events"), count=1))
    return newest[0][0].decode() if newest else "0-0"


def first_id(store: Store) -> str | None:
    """The id of the oldest event that is kept; None where there is none."""
    with explained(store.url):
        oldest = cast("list[Any]", store.client.xrange(store.key("events"), count=1))
    return events_of(*oldest[0])[0]["id"] if oldest else None


def later_events(store: Store, after: str) -> Iterator[Event]:
    """Every event there is that is later than an id, oldest first."""
    while True:
        with explained(store.url):
            entries: Any = store.client.xrange(store.key("events"), f"({after}", "+", count=PAGE)
        yield from _later(entries, after)
        if len(entries) < PAGE:
            return
        after = entries[-1][0].decode()


def last_events(store: Store, wanted: Callable[[Event], bool], limit: int) -> list[Event]:
    """The newest events that are wanted, oldest of them first."""
    found: list[Event] = []
    before = "+"
    while len(found) < limit:
        with explained(store.url):
            entries: Any = store.client.xrevrange(store.key("events"), before, "-", count=PAGE)
        found += [event for entry in entries for event in reversed(events_of(*entry)) if wanted(event)]
        if len(entries) < PAGE:
            break
        before = f"({entries[-1][0].decode()}"
    return found[:limit][::-1]


def read_events(store: Store, after: str, *, block_ms: int, count: int = 500) -> list[Event]:
    """Events later than an id, oldest first, waiting up to `block_ms` for the first.

    Each has ``id``, ``e`` (what happened), ``at`` (when), ``job`` and, where one is concerned, ``run``.
    """
    with explained(store.url):
        answer: Any = store.client.xread({store.key("events"): after}, count=count, block=block_ms)
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or ()]
    # Under RESP3 the client library wraps the entries of a stream in one more list.
    pages = [page[0] if page and isinstance(page[0], list) else page for page in streams]
    return list(_later((entry for page in pages for entry in page), after))


def place_of(event_id: str) -> tuple[int, int]:
    """An id as what it is ordered by: the store's clock, and a number within its millisecond."""
    at_ms, _, number = event_id.partition("-")
    return int(at_ms), int(number or 0)


def event_json(event: Event) -> dict[str, Any]:
    """An event as programs are told it: instants in RFC 3339, numbers and lists as such, the rest as it is.

    Each has ``id``, ``at``, ``event`` (what happened), ``job`` and ``run``; these two None where none is
    concerned.
    """
    rest: dict[str, Any] = {
        name: value for name, value in event.items() if name not in ("id", "e", "at", "job", "run")
    }
    for name in rest.keys() & set(_INSTANTS):
        rest[name] = format_instant(int(rest[name]))
    for name in rest.keys() & set(_NUMBERS):
        rest[name] = int(rest[name]) if rest[name].isdecimal() else rest[name]
    if "tags" in rest:
        rest["tags"] = [tag for tag in rest["tags"].split(",") if tag]
    return {
        "id": event["id"],
        "at": format_instant(int(event["at"])),
        "event": event["e"],
        "job": event.get("job") or None,
        "run": event.get("run") or None,
        **rest,
    }


def events_of(entry_id: bytes, fields: Mapping[bytes, bytes]) -> list[Event]:
    """What an entry of the stream tells: an event, or several that one call brought about, oldest first.

    The last of several has the entry's own id, the others those before it, which were left free for them by
    `lua/include/write_events.lua`.
    """
    ms, number = entry_id.decode().split("-")
    if b"m" not in fields:
        told = [[each.decode(errors="surrogateescape") for pair in fields.items() for each in pair]]
    else:
        told = unpack(fields[b"m"])
    first = int(number) - len(told) + 1
    return [_event(ms, first + i, flat) for i, flat in enumerate(told)]


def _event(ms: str, number: int, flat: list[Any]) -> Event:
    named = {name: str(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}
    # What `lua/include/event.lua` leaves out.
    known = {"job": named.get("run", "").partition("@")[0], "at": ms}
    return {**known, **named, "id": f"{ms}-{number}"}


def _later(entries: Iterable[Any], after: str) -> Iterator[Event]:
    """Those later than an id; of an entry of several, it may be that of one of them."""
    known = place_of(after)
    return (event for entry in entries for event in events_of(*entry) if place_of(event["id"]) > known)
