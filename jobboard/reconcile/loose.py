"""Jobs of no board: made by hand or by a program, and touched by no sync.

They lie on the board ``loose``, which no file can be about, and are jobs like any other: scheduled, run,
shown, paused. A put says the whole of a job; one that says what is there already writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.merge import Merged, merge_job
from jobboard.core.jobs.model import FIELDS, Definition
from jobboard.core.jobs.resolve import COMMANDS
from jobboard.core.names import LOOSE, NAME_RULE, address_of, is_name, split_address
from jobboard.core.plans.change import JobChange
from jobboard.reconcile.entries import schedule_entry
from jobboard.reconcile.live import check_among_others, with_keys
from jobboard.store.boards import edits, jobs
from jobboard.store.calls import clocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Spec
    from jobboard.store.calls.connect import Store

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Put:
    """What a put did: ``created``, ``changed`` or ``unchanged``, and the paths that moved."""

    address: str
    outcome: str
    fields: tuple[Merged, ...] = ()


def put_job(
    store: Store, name: str, keys: Mapping[str, Any], *, by: Mapping[str, Any], create: bool = False
) -> Put:
    """Make a job of no board, or let it be what is said here.

    Args:
        store: Where.
        name: The job, with or without ``loose/``.
        keys: All of it, as a board would write it.
        by: Who, via what, why.
        create: Only where there is none of that name.

    Raises:
        errors.UsageError: A name or a key that a board could not hold either.
        errors.Refused: It is there, and `create` was asked for.
        errors.Stale: Others kept writing.
    """
    address = address_of_loose(name)
    command = {key: keys[key] for key in COMMANDS if key in keys}
    if not command:
        raise errors.UsageError(f"{address} has nothing to run", "give a command")
    after = with_keys({}, {**command, **keys}, address)
    for _ in range(ATTEMPTS):
        board = jobs.read(store)
        before = board.jobs.get(split_address(address)[1])
        if before is not None and create:
            raise errors.Refused(f"there is a job {address} already", "jobboard put changes it")
        fields = merge_job(before.spec, before.spec, after).fields if before else ()
        if before is not None and not fields and not before.drifted:
            return Put(address, "unchanged")
        check_among_others(store, address, after)
        if _write(store, board, JobChange(address, "change", before, after, after, fields), by):
            return Put(address, "changed" if before else "created", fields)
    raise errors.Stale(f"others kept writing to {address}", "try again")


def address_of_loose(name: str) -> str:
    """The address of a job of no board, named with or without ``loose/``.

    Raises:
        errors.UsageError: It is no name, or names a board.
    """
    board, _, job = name.rpartition("/")
    if board not in ("", LOOSE):
        raise errors.UsageError(
            f"{name} would be on board {board}, and boards are files",
            f"write it there and sync, or name it without {board}/",
        )
    if not is_name(job):
        raise errors.UsageError(f'"{job}" is no name for a job', f"a name is {NAME_RULE}")
    return address_of(LOOSE, job)


def _write(store: Store, board: jobs.Board, change: JobChange, by: Mapping[str, Any]) -> bool:
    """Whether it was written; False where somebody else wrote first."""
    assert change.after is not None
    job = split_address(change.address)[1]
    definition = _definition(store, change.before, change.after, change.fields)
    after = {**board.jobs, job: definition}
    work = schedule_entry(change, clocks.now_ms(store))
    return jobs.write(store, change.address, board, after, work=work, what="put", by=by)


def _definition(
    store: Store, before: Definition | None, after: Spec, fields: tuple[Merged, ...]
) -> Definition:
    unique = edits.number(store)
    moves = any(FIELDS[field.path.partition(".")[0]].moves for field in fields)
    if before is None:
        return Definition(unique, unique, 0, after, after)
    return Definition(unique if moves else before.epoch, unique, 0, after, after, before.overrides)
