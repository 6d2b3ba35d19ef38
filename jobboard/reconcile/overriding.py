"""Overrides: set, cleared, and taken off when they have ended.

What runs moves at once, and when the schedule is overridden, so does the due set; the definition that is
reconciled with the file does not. A queued run keeps what it was queued with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.merge import same
from jobboard.core.jobs.model import FIELDS, seed_of
from jobboard.core.jobs.override import (
    FIXED,
    Override,
    first_end_ms,
    in_force,
    laid,
    lasting,
    paths_of_key,
    replaced,
    value_at,
)
from jobboard.core.names import split_address
from jobboard.core.plans.change import moves_schedule
from jobboard.core.times.schedule import compile_schedule
from jobboard.reconcile.entries import entry_between
from jobboard.reconcile.live import check_among_others, with_keys
from jobboard.store.boards import definitions, edits, overrides
from jobboard.store.calls import clocks
from jobboard.store.calls.connect import explained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.store.boards.overrides import Deed
    from jobboard.store.calls.connect import Store

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Overridden:
    """What was done to the overrides of a job.

    Attributes:
        address: The job.
        moved: The overrides that were set or cleared; none where there was nothing to do.
        before: The definition that was in force.
        after: The one that is.
        definition: As it is stored afterwards.
    """

    address: str
    moved: tuple[Override, ...]
    before: Spec
    after: Spec
    definition: Definition


def set_overrides(
    store: Store,
    address: str,
    assignments: Mapping[str, Any],
    *,
    reason: str,
    until_ms: int | None,
    by: Mapping[str, Any],
) -> Overridden:
    """Lay values over a job's definition.

    Args:
        store: Where.
        address: Which job.
        assignments: YAML key to raw value, as in a board; None for the built-in default.
        reason: Why.
        until_ms: When they end; None for "when they are cleared".
        by: Who, via what.

    Raises:
        errors.UsageError: No such job, no reason, or a value that a board could not hold either.
        errors.Stale: Others kept writing to the same board.
    """
    reason = reason.strip()
    if not reason:
        raise errors.UsageError(
            "an override needs a reason: every plan shows it to people who were not there", 'add --reason "…"'
        )
    for _ in range(ATTEMPTS):
        version, before = _read(store, address)
        now_ms = clocks.now_ms(store)
        forced = in_force(before, now_ms)
        wanted = with_keys(forced, assignments, address)
        paths = {path for key in assignments for path in paths_of_key(key, forced, wanted)}
        _check_paths(paths, forced, wanted)
        new = [
            Override(
                path,
                value_at(wanted, path),
                reason,
                str(by["actor"]),
                str(by["via"]),
                now_ms,
                until_ms,
            )
            for path in sorted(paths)
        ]
        after = replace(before, overrides=replaced(lasting(before, now_ms), new))
        if forced.get("locks") != laid(after).get("locks"):
            check_among_others(store, address, laid(after))
        if _write(store, address, version, before, after, deed="override", by=by, now_ms=now_ms):
            return Overridden(address, tuple(new), forced, laid(after), after)
    raise errors.Stale(f"others kept writing to board {split_address(address)[0]}", "try again")


def clear_overrides(
    store: Store, address: str, keys: Sequence[str] | None, *, by: Mapping[str, Any]
) -> Overridden:
    """Take overrides off a job: those of some keys of a board, or all.

    Raises:
        errors.UsageError: No such job, or a key that is not overridden.
        errors.Stale: Others kept writing to the same board.
    """
    for _ in range(ATTEMPTS):
        version, before = _read(store, address)
        now_ms = clocks.now_ms(store)
        there = lasting(before, now_ms)
        gone = there if keys is None else _named(address, keys, there)
        if not before.overrides:
            return Overridden(address, (), before.spec, before.spec, before)
        after = replace(before, overrides=tuple(o for o in there if o not in gone))
        if _write(store, address, version, before, after, deed="override cleared", by=by, now_ms=now_ms):
            return Overridden(address, gone, in_force(before, now_ms), laid(after), after)
    raise errors.Stale(f"others kept writing to board {split_address(address)[0]}", "try again")


def take_off_ended(store: Store, address: str, *, actor: str) -> bool:
    """Take off the overrides of a job that have ended; False where there is none.

    The schedule under them counts from when they ended, and what fell to them before that, with no
    scheduler there to see it, is put on record as missed.

    Raises:
        errors.Stale: Others kept writing to the same board.
    """
    for _ in range(ATTEMPTS):
        try:
            version, before = _read(store, address)
        except errors.UsageError:
            return False
        now_ms = clocks.now_ms(store)
        ended_ms = first_end_ms(before.overrides)
        if ended_ms is None or ended_ms > now_ms:
            return False
        # One instant at a time: what is in force between two ends has its own nominals.
        after = replace(before, overrides=lasting(before, ended_ms))
        by = {"actor": actor, "via": "scheduler"}
        # A nominal at the very instant of the end is the first of what comes into force.
        if _write(store, address, version, before, after, deed="override ended", by=by, now_ms=ended_ms - 1):
            return True
    raise errors.Stale(f"others kept writing to board {split_address(address)[0]}", "try again")


def _read(store: Store, address: str) -> tuple[str, Definition]:
    """The version of a job's board, and the job."""
    board, job = split_address(address)
    record = definitions.read_board(store, board)
    found = definitions.read_some(store, record.version, [job]) if record else {}
    if record is None or job not in found:
        raise errors.UsageError(f"there is no job {address}", "jobboard ls lists them")
    return record.version, found[job]


def _check_paths(paths: set[str], before: Spec, after: Spec) -> None:
    fixed = FIXED & paths
    if not same(before.get("after"), after.get("after")):
        fixed |= {"after"}
    for name in sorted(fixed):
        raise errors.UsageError(
            f"{name} cannot be overridden: other jobs and syncs go by what the definition says",
            "jobboard set changes the definition",
        )


def _named(address: str, keys: Sequence[str], there: Sequence[Override]) -> tuple[Override, ...]:
    """The overrides that keys of a board stand for."""
    nothing: dict[str, dict[str, Any]] = {}
    for override in there:
        name, _, part = override.path.partition(".")
        nothing.setdefault(name, {})[part] = None
    found: list[Override] = []
    for key in keys:
        paths = {key, *paths_of_key(key, nothing, nothing)}
        meant = [override for override in there if override.path in paths]
        if not meant:
            others = ", ".join(override.path for override in there)
            hint = f"overridden are: {others}" if others else "jobboard override ls lists what is"
            raise errors.UsageError(f"{key} of {address} is not overridden", hint)
        found += meant
    return tuple(found)


def _write(
    store: Store,
    address: str,
    version: str,
    before: Definition,
    after: Definition,
    *,
    deed: Deed,
    by: Mapping[str, Any],
    now_ms: int,
) -> bool:
    """Whether it was written; False where somebody else wrote first."""
    moved = [
        *(override for override in after.overrides if override not in before.overrides),
        *(override for override in before.overrides if override not in after.overrides),
    ]
    moves = any(FIELDS[override.path.partition(".")[0]].moves for override in moved)
    after = replace(after, epoch=edits.number(store) if moves else before.epoch)
    ran, runs = laid(before), laid(after)
    try:
        overrides.write(
            store,
            address,
            seen=version,
            definition=after,
            deed=deed,
            by=by,
            detail={o.path: [o.value, o.reason, o.until_ms] for o in reversed(moved)},
            work=entry_between(address, ran, runs, now_ms),
            missed=_missed(store, address, ran, runs, now_ms) if deed == "override ended" else None,
        )
    except definitions.MovedSince:
        return False
    return True


def _missed(store: Store, address: str, ran: Spec, runs: Spec, upto_ms: int) -> tuple[int, int, int] | None:
    """Nominals of the schedule that was in force up to an instant, and that nobody has decided."""
    schedule = ran.get("schedule")
    if schedule is None or ran.get("enabled") is False or not moves_schedule(ran, runs):
        return None
    if "delay" in schedule:
        # It stays due until it is decided; no other instant depends on it.
        return None
    with explained(store.url):
        cursor: Any = store.client.hget(store.key("cursor"), address)
    if cursor is None:
        return None
    compiled = compile_schedule(schedule, seed_of(address, ran))
    first_ms, last_ms = compiled.next_after(int(cursor)), compiled.prev_at(upto_ms)
    if first_ms is None or last_ms is None or first_ms > last_ms:
        return None
    return compiled.count(int(cursor), last_ms), first_ms, last_ms
