"""The jobs of no board, as they are stored: one board that is written job by job and never staged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobboard.core.names import LOOSE, split_address
from jobboard.store import definitions
from jobboard.store.codec import encode_definition
from jobboard.store.connect import explained
from jobboard.store.wire import pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.model import Definition
    from jobboard.store.connect import Store


@dataclass(frozen=True, slots=True)
class Board:
    """All jobs of no board at one version.

    Attributes:
        seen: That version; None where there has never been such a job.
        jobs: By name.
    """

    seen: str | None = None
    jobs: Mapping[str, Definition] = field(default_factory=dict)


def read(store: Store) -> Board:
    """The jobs of no board. Uses read commands only."""
    record = definitions.read_board(store, LOOSE)
    if record is None:
        return Board()
    return Board(record.version, definitions.read_definitions(store, record.version))


def write(
    store: Store,
    address: str,
    board: Board,
    jobs: Mapping[str, Definition],
    *,
    work: Mapping[str, Any] | None,
    what: str,
    by: Mapping[str, Any],
) -> bool:
    """Write one job, or remove it; False where somebody has written since the board was read.

    Args:
        store: Where.
        address: The job.
        board: As it was read.
        jobs: As it is to be; without the job, that goes.
        work: The job's new schedule entry; None where it stays.
        what: ``put`` or ``rm``, for the audit.
        by: Who, via what, why.
    """
    job = split_address(address)[1]
    definition = jobs.get(job)
    # What the planning of boards asks of every other board: how many jobs, which locks, which parents.
    meta = {
        "jobs": len(jobs),
        "locks": {name: n for d in jobs.values() for name, n in d.spec.get("locks", {}).items()},
        "edges": {name: list(d.spec["after"]) for name, d in jobs.items() if "after" in d.spec},
    }
    tag, *_ = store.call(
        "loose",
        address=address,
        seen=board.seen or False,
        definition=encode_definition(definition) if definition else False,
        meta=pack(meta),
        work=dict(work) if work is not None else False,
        what=what,
        by=dict(by),
        detail={"spec": dict(definition.spec)} if definition else {},
    )
    return bool(tag == "OK")


def children(store: Store, address: str) -> list[str]:
    """The jobs that run after a job."""
    with explained(store.url):
        found: Any = store.client.smembers(store.key("after", address))
    return sorted(child.decode() for child in found)
