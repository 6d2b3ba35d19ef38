"""Live edits: one job's definition changed in the store, ahead of its board.

The board's next plan shows the edit as drift and, unless told otherwise, keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.merge import Merged, merge_job
from jobboard.core.jobs.model import FIELDS
from jobboard.core.jobs.override import lasting
from jobboard.core.jobs.resolve import resolve_assignment
from jobboard.core.names import address_of, split_address
from jobboard.core.plans.change import JobChange
from jobboard.reconcile.entries import schedule_entry
from jobboard.reconcile.together import check_together, outside_of
from jobboard.source.schema import check_keys
from jobboard.store.boards import definitions, edits
from jobboard.store.boards.codec import decode_definition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.jobs.override import Override
    from jobboard.store.calls.connect import Store

ATTEMPTS = 10
_SHARED = ("after", "locks", "needs", "schedule")
"""Fields whose value other jobs have a say in."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What a live edit did: the paths that moved, none where the job already said so; and the overrides that
    keep some of them from counting.
    """

    address: str
    fields: tuple[Merged, ...]
    overridden: tuple[Override, ...] = ()


def read_job(store: Store, address: str) -> Definition:
    """A job's definition as it is now.

    Raises:
        errors.UsageError: There is no such job.
    """
    return decode_definition(_read_packed(store, address))


def _read_packed(store: Store, address: str) -> bytes:
    packed = definitions.read_packed(store, address)
    if packed is None:
        raise errors.UsageError(f"there is no job {address}", "jobboard ls lists them")
    return packed


def edit_job(
    store: Store, address: str, assignments: Mapping[str, Any], *, by: Mapping[str, Any], now_ms: int
) -> Edited:
    """Set keys of a job, as its board would write them.

    Args:
        store: Where.
        address: Which job.
        assignments: YAML key to raw value, as in a board; None takes a key back to the built-in default.
        by: Who, via what, why.
        now_ms: The instant a changed schedule starts from.

    Raises:
        errors.UsageError: No such job, or a value that a board could not hold either.
        errors.Stale: Others kept writing to the same job.
    """
    for _ in range(ATTEMPTS):
        packed = _read_packed(store, address)
        before = decode_definition(packed)
        after = with_keys(before.spec, assignments, address)
        fields = merge_job(before.spec, before.spec, after).fields
        if not fields:
            return Edited(address, ())
        if any(field.path.partition(".")[0] in _SHARED for field in fields):
            check_among_others(store, address, after)
        unique = edits.number(store)
        moves = any(FIELDS[field.path.partition(".")[0]].moves for field in fields)
        edited = replace(before, epoch=unique if moves else before.epoch, generation=unique, spec=after)
        change = JobChange(address, "change", before, after, before.base, fields)
        try:
            edits.edit(
                store,
                address,
                seen=packed,
                definition=edited,
                work=schedule_entry(change, now_ms),
                by=by,
                paths=[field.path for field in fields],
                changes=[f"{field.path}: {field.live!r} -> {field.result!r}" for field in fields],
            )
        except definitions.MovedSince:
            continue
        paths = {field.path for field in fields}
        return Edited(address, fields, tuple(o for o in lasting(before, now_ms) if o.path in paths))
    raise errors.Stale(f"others kept writing to {address}", "try again")


def check_among_others(store: Store, address: str, after: Spec) -> None:
    """Refuse a parent that does not exist, a circle, and a lock of another capacity than elsewhere."""
    records = definitions.read_boards(store)
    own = split_address(address)[0]
    live = definitions.read_definitions(store, records[own].version) if own in records else {}
    specs = {address_of(own, job): definition.spec for job, definition in live.items()}
    others = [record for record in records.values() if record.name != own]
    edited = {**specs, address: after}
    outside = outside_of(store, [*specs.values(), after], others)
    before = check_together(specs, outside)
    for job, faults in check_together(edited, outside).items():
        for fault in faults if faults != before.get(job) else ():
            raise errors.UsageError(f"{job}: {fault.message}", fault.hint)


def with_keys(spec: Spec, assignments: Mapping[str, Any], address: str) -> Spec:
    """A spec with keys set as a board would write them; None takes one back to its default.

    Raises:
        errors.UsageError: A value that a board could not hold either.
    """
    board, job = split_address(address)
    for key, value in assignments.items():
        head, _, part = key.partition(".")
        faults = [] if value is None else check_keys({head: {part: value} if part else value})
        if not faults:
            spec, faults = resolve_assignment(key, value, spec, board=board, name=job)
        for fault in faults:
            if fault.severity == "error":
                raise errors.UsageError(f"{key}: {fault.message}", fault.hint)
    return spec
