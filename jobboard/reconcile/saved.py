"""Applying a plan that was saved: its jobs against those that are in the store now.

A plan goes stale job by job. It may be applied as long as every job it writes is as it was when the plan was
made; what became of other jobs meanwhile, and whether anything ran, does not matter. A job that already is as
the plan would leave it is done; where all are, so is the plan.

The guards that look at where boards come from judge it again, as they would a sync of the same files: since
the plan was made, a later commit may have been synced.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.jobs.merge import merge_job
from jobboard.core.names import address_of, split_address
from jobboard.core.plans import clash
from jobboard.core.plans.change import JobChange
from jobboard.core.plans.drift import Drift, removal
from jobboard.core.plans.plan import BoardPlan, Plan
from jobboard.reconcile import ancestry, guards, together
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.requeuing import with_outdated
from jobboard.reconcile.sources import Options, Sources
from jobboard.reconcile.staleness import found_now, is_done, moved_since
from jobboard.reconcile.traffic import board_facts
from jobboard.reconcile.unsettled import clashes_left, conflicts_left
from jobboard.store.boards import definitions, tombstones

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.plans.refusal import Refusal
    from jobboard.reconcile.plancontent import SavedBoard, SavedChange, SavedPlan
    from jobboard.reconcile.staleness import Lives
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store

NAMED = 10
"""Jobs that moved which a message names."""
_WAYS_OUT = {
    "rewind": "make the plan again from a later commit; if going back is meant:"
    " jobboard plan --allow-rewind --out FILE",
    "dirty": "commit them and make the plan again; if that is meant: jobboard plan --allow-dirty --out FILE",
}


def plan_saved(store: Store, saved: SavedPlan, root: Path, *, committed_only: bool) -> Planned:
    """What is left to do of a saved plan. Reads only.

    Args:
        store: Where to.
        saved: The plan.
        root: Where Git is asked which commit descends from which.
        committed_only: As `Options` has it, of the store there is.

    Raises:
        errors.Stale: A job that it writes has moved since; the jobs are named.
        errors.Conflict: With what others did since, its jobs would not hold together.
    """
    records = definitions.read_boards(store)
    named = [board.name for board in saved.boards]
    lives = {n: definitions.read_definitions(store, records[n].version) for n in named if n in records}
    away = _away(store, saved)
    moved = [
        what for board in saved.boards for what in moved_since(board, records.get(board.name), lives, away)
    ]
    if moved:
        raise _stale(moved)
    contested = _contested(store, saved, records, lives)
    boards = [_board(board, records.get(board.name), lives, away, contested) for board in saved.boards]
    # A board that has gone since, and of which nothing is to come back, is not made anew.
    left = [
        b for b, was in zip(boards, saved.boards, strict=True) if b.version or b.changes or not was.version
    ]
    plan = _judged(store, Plan(store.namespace, tuple(left), saved.left_out), records, lives)
    plan = _requeuing(store, plan, saved, records)
    sources = Sources((), (), replace(saved.checkout, root=root) if saved.checkout else None, saved.pipeline)
    return Planned(
        _guarded(plan, saved, records, sources, committed_only=committed_only),
        sources,
        Options(),
        beyond_git=ancestry.leaves_git(plan, records, sources),
        again=lambda: plan_saved(store, saved, root, committed_only=committed_only),
    )


def _stale(moved: Sequence[str]) -> errors.Stale:
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    return errors.Stale(
        f"since the plan was made there moved in Redis: {', '.join(moved[:NAMED])}{more};"
        " nothing was written",
        "make the plan again and look at it: jobboard plan --out FILE",
    )


def _requeuing(store: Store, plan: Plan, saved: SavedPlan, records: Mapping[str, BoardRecord]) -> Plan:
    """The plan with those waiting runs that still are to take what the plan showed."""
    shown = {address: spec for board in saved.boards for address, spec in board.outdated.items()}
    if not shown:
        return plan
    found = with_outdated(store, plan, records, lambda address, _: address in shown)
    if moved := [job.address for job in found.outdated if job.spec != shown[job.address]]:
        raise _stale([f"{address} (what its runs are to take)" for address in moved])
    return found


def _guarded(
    plan: Plan,
    saved: SavedPlan,
    records: Mapping[str, BoardRecord],
    sources: Sources,
    *,
    committed_only: bool,
) -> Plan:
    """The plan with what the guards of its commit say, less what they said when it was made."""
    heads = {board.name: board.head for board in saved.boards}
    moved = {n: record for n, record in records.items() if record.meta.get("commit") != heads.get(n)}
    plan = ancestry.judged(plan, moved, sources)
    if committed_only and not saved.allow_dirty:
        plan = guards.with_dirt(plan, sources)
    return replace(plan, boards=tuple(replace(b, refusals=_led_out(b.refusals)) for b in plan.boards))


def _led_out(refusals: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """The refusals, with ways out that whoever has a plan can take: the flags come too late here."""
    return tuple(replace(each, way_out=_WAYS_OUT.get(each.code, each.way_out)) for each in refusals)


def _contested(
    store: Store, saved: SavedPlan, records: Mapping[str, BoardRecord], lives: Lives
) -> dict[str, Definition]:
    """What is live of the jobs that the plan leaves as they are because of a conflict."""
    asked = {conflict.address for board in saved.boards for conflict in board.conflicts}
    asked |= {part.address for board in saved.boards for each in board.clashes for part in each.parts}
    found: dict[str, Definition] = {}
    for name in {split_address(address)[0] for address in asked} & records.keys():
        live = lives[name] if name in lives else definitions.read_definitions(store, records[name].version)
        found.update((address_of(name, job), definition) for job, definition in live.items())
    return found


def _away(store: Store, saved: SavedPlan) -> dict[str, Spec | None]:
    """What was applied last of the jobs that the plan finds removed by hand, and leaves away."""
    changes = [change for board in saved.boards for change in board.changes]
    return tombstones.read_bases(store, [change.address for change in changes if change.away is not None])


def _board(
    board: SavedBoard,
    record: BoardRecord | None,
    lives: Lives,
    away: Mapping[str, Spec | None],
    contested: Mapping[str, Definition],
) -> BoardPlan:
    live = lives.get(board.name, {})
    left = tuple(job for job in board.left if job in live)
    changes = tuple(
        _change(change, found_now(change, lives))
        for change in board.changes
        if not is_done(change, lives, away)
    )
    bases = {job: definition.base for job, definition in live.items() if job not in left}
    for change in (c for c in changes if c.away is None):
        job = split_address(change.address)[1]
        if change.base is None:
            bases.pop(job, None)
        else:
            bases[job] = change.base
    is_same = (record.version if record else None) == board.version
    meta = (
        dict(board.meta)
        if is_same or record is None
        else {
            **ancestry.without_provenance(record.meta),
            **{key: board.meta[key] for key in ancestry.PROVENANCE if key in board.meta},
            **board_facts(bases),
            "digest": None,
        }
    )
    if board.released:
        meta.pop("held", None)
    written = {*left, *(split_address(c.address)[1] for c in changes if c.away is None)}
    by_hand = [job for job in (record.drift if record else ()) if job not in live]
    conflicts = conflicts_left(board.conflicts, contested)
    told = written | {split_address(conflict.address)[1] for conflict in conflicts}
    removed = [address_of(board.name, job) for job in by_hand if job not in told and not board.removed]
    return BoardPlan(
        board.name,
        board.path,
        record.version if record else None,
        changes,
        (*_drift(board.name, live, told), *map(removal, removed)),
        jobs=len(bases),
        removed=board.removed,
        meta=meta,
        recorded=board.recorded and is_same,
        released=board.released and is_same,
        left=left,
        forgotten=tuple(job for job in by_hand if job in written or board.removed),
        requeue=board.requeue,
        on_prune=board.on_prune,
        held=record.meta.get("held") if record is not None and board.held else None,
        conflicts=conflicts,
        clashes=clashes_left(board.clashes, contested),
    )


def _change(saved: SavedChange, now: Definition | None) -> JobChange:
    spec, base = saved.after or (None, saved.away[1] if saved.away else None)
    was = saved.away[0] if saved.away else None
    return JobChange(saved.address, saved.action, now, spec, base, saved.fields, saved.source, was)


def _drift(board: str, live: Mapping[str, Definition], told: set[str]) -> Iterator[Drift]:
    for job, definition in sorted(live.items()):
        if definition.drifted and job not in told:
            yield Drift(f"{board}/{job}", merge_job(definition.base, definition.spec, definition.base).drift)


def _judged(
    store: Store,
    plan: Plan,
    records: Mapping[str, BoardRecord],
    lives: Lives,
) -> Plan:
    """The plan, if it still goes with the other boards; with what it would take from them."""
    named = {board.name for board in plan.boards}
    others: Sequence[BoardRecord] = [record for name, record in records.items() if name not in named]
    if not plan.changes:
        return plan
    gone = {board.name for board in plan.boards if board.removed}
    specs = together.specs_after(plan, {name: live for name, live in lives.items() if name not in gone})
    outside = together.outside_of(store, specs.values(), others)
    for trouble in clash.troubles(specs, outside):
        raise errors.Conflict(
            f"{clash.describe(trouble, specs, outside)}; nothing was written",
            "make the plan again and look at it: jobboard plan --out FILE",
        )
    bereft = together.bereft_refusals(plan, outside)
    return replace(
        plan,
        boards=tuple(
            replace(b, refusals=tuple(r for r in bereft if split_address(r.subject)[0] == b.name))
            for b in plan.boards
        ),
    )
