"""Runs that wait, with the definition they were queued with, and giving them the one that is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.store.boards.definitions import pages_of
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes
from jobboard.store.runs import world
from jobboard.store.runs.made import FIELDS, read_made, read_moving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.store.calls.connect import Store

_FACTS = ("state", "spec", "pushed")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that no worker has.

    Attributes:
        job: Whose.
        revision: The one that last changed the definition it was queued with.
        spec: That definition, as `store.boards.codec.encode_spec` writes it.
    """

    job: str
    revision: int
    spec: bytes


def read_waiting(store: Store) -> Iterator[Waiting]:
    """Every run that waits, for whatever, and runs its job's definition: not what was pushed."""
    moved = read_moving(store)
    for page in pages_of(world.waiting_ids(store)):
        with explained(store.url), store.client.pipeline(transaction=False) as pipe:
            for run_id in page:
                pipe.hmget(store.key("run", run_id), (*_FACTS, *FIELDS))
            rows = pipe.execute()
        for state, spec, pushed, *fields in rows:
            made = read_made(fields)
            if made is not None and state not in (b"running", b"stopping") and pushed is None:
                yield Waiting(moved.get(made["job"], made["job"]), made["revision"], as_bytes(spec))


def renew(store: Store, address: str, by: Mapping[str, Any]) -> int:
    """Give a job's waiting runs the definition in force; how many took it. In pages, safe to repeat."""
    cursor: str | bool = "0"
    renewed = 0
    while cursor is not False:
        _, cursor, count = store.call("renew", job=address, cursor=cursor, by=dict(by))
        renewed += count
    return renewed
