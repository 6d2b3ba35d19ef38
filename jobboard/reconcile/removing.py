"""Removing one job by hand, and bringing one back that is gone.

A job that is removed from a board is drift of it: its file still declares the job, and the next sync leaves
it away, says so, and does otherwise where its policy does. One that is brought back beside a file that does
not declare it is drift just as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.model import Definition
from jobboard.core.names import LOOSE, address_of, split_address
from jobboard.core.plans.change import JobChange
from jobboard.core.times.schedule import is_seeded
from jobboard.reconcile.entries import schedule_entry
from jobboard.reconcile.live import check_among_others
from jobboard.store.boards import edits, jobs, staging, tombstones
from jobboard.store.calls import clocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.boards.tombstones import Tombstone
    from jobboard.store.calls.connect import Store

ATTEMPTS = 10


def remove_job(store: Store, address: str, *, by: Mapping[str, Any]) -> None:
    """Remove a job; what it was is kept as a tombstone.

    Args:
        store: Where.
        address: Which.
        by: Who, via what, why; a job of a board is removed for a reason.

    Raises:
        errors.UsageError: There is no such job; or no reason was given.
        errors.Refused: It is protected, or another job runs after it.
        errors.Stale: Others kept writing.
    """
    board_name, job = split_address(address)
    for _ in range(ATTEMPTS):
        board = jobs.read(store, board_name)
        if job not in board.jobs:
            raise errors.UsageError(f"there is no job {address}", "jobboard ls lists the jobs")
        before = board.jobs[job]
        _refuse_removal(store, address, before, by)
        now_ms = clocks.now_ms(store)
        work = schedule_entry(JobChange(address, "destroy", before, None, None), now_ms) or {}
        gone = tombstones.encode(before, by, now_ms, by_hand=True)
        left = {name: definition for name, definition in board.jobs.items() if name != job}
        if jobs.write(store, address, board, left, work={**work, "gone": gone}, what="rm", by=by):
            return
    raise errors.Stale(f"others kept writing to {address}", "try again")


def restore_job(store: Store, address: str, *, by: Mapping[str, Any]) -> str:
    """Bring a job back from its tombstone; the address it has then.

    One whose board is gone comes back on no board. Nothing is caught up with: its next run counts from now.

    Raises:
        errors.UsageError: It is there, or nothing is known of it.
        errors.Stale: Others kept writing.
    """
    for _ in range(ATTEMPTS):
        # A sync may have left to do that another base is remembered of it.
        staging.drain(store)
        found = tombstones.read(store, address)
        home, job = split_address(address)
        board = jobs.read(store, home)
        if job in board.jobs:
            raise errors.UsageError(f"{address} is there already", f"jobboard show {address}")
        if found is None:
            raise errors.UsageError(
                f"no job {address} was removed, as far as is known", "jobboard undelete lists those that were"
            )
        if board.seen is None and home != LOOSE:
            board, home = jobs.read(store), LOOSE
        definition = _restored(store, address, address_of(home, job), found)
        target = address_of(home, job)
        if job in board.jobs:
            raise errors.UsageError(
                f"the board of {address} is gone, and there is a job {target} already",
                f"sync the board's file first, or jobboard rm {target}",
            )
        check_among_others(store, target, definition.spec)
        change = JobChange(target, "add", None, definition.spec, definition.base)
        work = schedule_entry(change, clocks.now_ms(store))
        after = {**board.jobs, job: definition}
        if jobs.write(store, target, board, after, work=work, what="undelete", by=by):
            return target
    raise errors.Stale(f"others kept writing to {address}", "try again")


def _refuse_removal(store: Store, address: str, before: Definition, by: Mapping[str, Any]) -> None:
    on_board = split_address(address)[0] != LOOSE
    if on_board and not by.get("reason"):
        raise errors.UsageError(
            f"{address} is on a board: every plan will show that it was removed, and why",
            f'jobboard rm {address} --reason "…"',
        )
    if on_board and before.spec.get("protected"):
        raise errors.Refused(f"{address} is protected", f"jobboard set {address} protected=false comes first")
    children = jobs.children(store, address)
    if children:
        raise errors.Refused(f"{children[0]} runs after {address}", "change that first")


def _restored(store: Store, source: str, target: str, found: Tombstone) -> Definition:
    unique = edits.number(store)
    if split_address(target)[0] != LOOSE:
        # What a sync destroyed no file declares: to the board it is new.
        return Definition(unique, unique, 0, found.spec, found.base if found.base is not None else {})
    spec = found.spec
    if source != target and is_seeded(spec.get("schedule", {})):
        spec = {"seed": source, **spec}
    return Definition(unique, unique, 0, spec, spec)
