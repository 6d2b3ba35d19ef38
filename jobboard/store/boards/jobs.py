"""Single jobs as they are stored: made and removed one by one, outside of any sync.

The board ``loose``, of the jobs that are on none, is written in no other way, save for jobs that move.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.depend import edges_of
from jobboard.core.names import LOOSE, split_address
from jobboard.store.boards import definitions, edits, staging
from jobboard.store.boards.codec import encode_definition
from jobboard.store.calls.reading import read_set
from jobboard.store.calls.wire import pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Definition
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class Board:
    """All jobs of a board at one version.

    Attributes:
        name: The board.
        seen: That version; None where there is no such board.
        jobs: By name.
        meta: Its record.
    """

    name: str = LOOSE
    seen: str | None = None
    jobs: Mapping[str, Definition] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


def read(store: Store, name: str = LOOSE) -> Board:
    """The jobs of a board, or of none. Uses read commands only."""
    record = definitions.read_board(store, name)
    if record is None:
        return Board(name)
    jobs = definitions.read_definitions(store, record.version)
    return Board(name, record.version, jobs, record.meta)


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

    A job that differs from what was applied last, or goes from a board, is drift of that board, and
    remembers who did it. Waits while a sync keeps edits off.

    Args:
        store: Where.
        address: The job.
        board: As it was read.
        jobs: As it is to be; without the job, that goes.
        work: The job's new schedule entry; None where it stays.
        what: ``put``, ``rm`` or ``undelete``, for the audit.
        by: Who, via what, why.
    """
    job = split_address(address)[1]
    definition = jobs.get(job)
    drifted = board.name != LOOSE and (definition is None or definition.drifted)
    tag = edits.patiently(
        store,
        "job",
        address=address,
        seen=board.seen or False,
        definition=encode_definition(definition) if definition else False,
        meta=pack({**board.meta, **_facts(jobs)}),
        drifted=drifted,
        deed={key: by.get(key) for key in ("actor", "via", "reason")} if drifted else False,
        work=dict(work) if work is not None else False,
        what=what,
        by=dict(by),
        detail={"spec": dict(definition.spec)} if definition else {},
    )
    if tag == "OK" and definition is None:
        # Of very many runs that wait a call takes a page off.
        staging.drain(store)
    return tag == "OK"


def _facts(jobs: Mapping[str, Definition]) -> dict[str, Any]:
    """What the planning of boards asks of every other board: how many jobs, which locks, which parents."""
    said = {name: definition.base or definition.spec for name, definition in jobs.items()}
    return {
        "jobs": len(jobs),
        "locks": {name: n for spec in said.values() for name, n in spec.get("locks", {}).items()},
        "edges": edges_of(said),
    }


def children(store: Store, address: str) -> list[str]:
    """The jobs that run after a job."""
    return sorted(child.decode() for child in read_set(store, store.key("after", address)))
