"""Overrides as they are stored: with the definition they are laid over, and in one index of the namespace.

The index is by when the first override of a job ends, so that whoever asks what is overridden, and whoever
takes off what has ended, looks at overridden jobs alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.jobs.override import first_end_ms
from jobboard.core.names import address_of, split_address
from jobboard.store.boards import definitions, edits
from jobboard.store.boards.codec import encode_definition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jobboard.core.jobs.model import Definition
    from jobboard.store.calls.connect import Store

PAGE = 1000

Deed: TypeAlias = Literal["override", "override cleared", "override ended"]
"""What is done, for the audit."""


def read_overridden(store: Store, boards: Collection[str] | None = None) -> dict[str, Definition]:
    """The jobs that have overrides, by address in order; of these boards alone, or of all.

    One that has ended is still among them until a scheduler has taken it off. Uses read commands only.
    """
    by_board: dict[str, list[str]] = {}
    start = 0
    while True:
        (page,) = store.read(("ZRANGE", store.key("overrides"), start, start + PAGE - 1))
        for board, job in (split_address(address.decode()) for address in page):
            if boards is None or board in boards:
                by_board.setdefault(board, []).append(job)
        if len(page) < PAGE:
            break
        start += PAGE
    found: dict[str, Definition] = {}
    for board, jobs in sorted(by_board.items()):
        record = definitions.read_board(store, board)
        some = definitions.read_some(store, record.version, sorted(jobs)) if record else {}
        found.update((address_of(board, job), some[job]) for job in sorted(some) if some[job].overrides)
    return found


def write(
    store: Store,
    address: str,
    *,
    seen: str,
    definition: Definition,
    deed: Deed,
    by: Mapping[str, Any],
    detail: Mapping[str, Any],
    work: Mapping[str, Any] | None = None,
    missed: tuple[int, int, int] | None = None,
) -> None:
    """Write one job's definition with other overrides than it had; a person waits while edits are kept off.

    Args:
        store: Where.
        address: Which job.
        seen: The version of its board that was read.
        definition: What it is to be; its epoch from `edits.number`.
        deed: What is done.
        by: Who, via what.
        detail: What moved, for the audit.
        work: Its new schedule entry, or None where the schedule stays.
        missed: Count, first and last of the nominals that fell to an override which ended before any
            scheduler came to them.

    Raises:
        definitions.MovedSince: Somebody wrote to the board in the meantime.
        errors.UsageError: The job is gone.
    """
    edits.write(
        store,
        "override",
        address,
        seen=seen,
        definition=encode_definition(definition),
        patient=deed != "override ended",
        overridden=bool(definition.overrides),
        ends=first_end_ms(definition.overrides) or False,
        work=dict(work) if work is not None else False,
        missed=list(missed) if missed else False,
        what=deed,
        by=dict(by),
        detail=dict(detail),
    )
