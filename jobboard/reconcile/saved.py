"""Applying a plan that was saved: its jobs against those that are in the store now.

A plan goes stale job by job. It may be applied as long as every job it writes is as it was when the plan was
made; what became of other jobs meanwhile, and whether anything ran, does not matter. A job that already is as
the plan would leave it is done; where all are, so is the plan.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from jobboard import errors
from jobboard.core import clash
from jobboard.core.change import JobChange
from jobboard.core.drift import Drift, removal
from jobboard.core.merge import merge_job
from jobboard.core.names import address_of, split_address
from jobboard.core.plan import BoardPlan, Plan
from jobboard.reconcile import together
from jobboard.reconcile.moving import board_facts
from jobboard.reconcile.planning import Planned
from jobboard.reconcile.sources import Options, Sources
from jobboard.store import definitions, tombstones

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.model import Definition, Spec
    from jobboard.reconcile.planfile import SavedBoard, SavedChange, SavedPlan
    from jobboard.store.connect import Store
    from jobboard.store.definitions import BoardRecord

Lives: TypeAlias = "Mapping[str, Mapping[str, Definition]]"
"""Board to job to what is live."""

NAMED = 10
"""Jobs that moved which a message names."""


def plan_saved(store: Store, saved: SavedPlan) -> Planned:
    """What is left to do of a saved plan. Reads only.

    Raises:
        errors.Stale: A job that it writes has moved since; the jobs are named.
        errors.Conflict: With what others did since, its jobs would not hold together.
    """
    records = definitions.read_boards(store)
    named = [board.name for board in saved.boards]
    lives = {n: definitions.read_definitions(store, records[n].version) for n in named if n in records}
    away = _away(store, saved)
    moved = [what for board in saved.boards for what in _moved(board, records.get(board.name), lives, away)]
    if moved:
        more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
        raise errors.Stale(
            f"since the plan was made there moved in Redis: {', '.join(moved[:NAMED])}{more};"
            " nothing was written",
            "make the plan again and look at it: jobboard plan --out FILE",
        )
    boards = [_board(board, records.get(board.name), lives, away) for board in saved.boards]
    # A board that has gone since, and of which nothing is to come back, is not made anew.
    left = [
        b for b, was in zip(boards, saved.boards, strict=True) if b.version or b.changes or not was.version
    ]
    plan = _judged(store, Plan(store.namespace, tuple(left)), records, lives)
    return Planned(plan, Sources((), (), saved.checkout), Options(), again=lambda: plan_saved(store, saved))


def _away(store: Store, saved: SavedPlan) -> dict[str, Spec | None]:
    """What was applied last of the jobs that the plan finds removed by hand, and leaves away."""
    changes = [change for board in saved.boards for change in board.changes]
    return tombstones.read_bases(store, [change.address for change in changes if change.away is not None])


def _moved(
    board: SavedBoard, record: BoardRecord | None, lives: Lives, away: Mapping[str, Spec | None]
) -> Iterator[str]:
    """What is neither as the plan found it nor as it would leave it, in words."""
    if record is not None and record.version != board.version:
        if record.meta.get("held") and not board.released:
            yield f"board {board.name} (held by a rollback)"
        if record.meta.get("origin") != board.meta.get("origin"):
            yield f"board {board.name} (synced from {record.meta.get('origin') or 'outside Git'})"
    for change in board.changes:
        now = _found(change, lives)
        if not _is(now, change.before) and not _is(now, change.after):
            yield f"{change.address} ({_how(change, now)})"
        elif change.away is not None and away[change.address] not in change.away:
            yield f"{change.address} (applied since)"
    if board.removed:
        known = {*board.left, *(split_address(change.address)[1] for change in board.changes)}
        yield from (f"{board.name}/{job} (new)" for job in sorted({*lives.get(board.name, {})} - known))


def _found(change: SavedChange, lives: Lives) -> Definition | None:
    """A job as it is now; one that is to get another address as if it had that already."""
    now = _live(change.address, lives)
    if change.source is None or change.before is None or now is not None:
        return now
    held = _live(change.source, lives)
    if held is None:
        return None
    # A job of no board has no base; and what a seed is depends on the address.
    bases = ({}, {}) if change.action == "adopt" else (held.base, change.before[1])
    if _unseeded(held.spec) != _unseeded(change.before[0]) or _unseeded(bases[0]) != _unseeded(bases[1]):
        return held
    return replace(held, spec=change.before[0], base=change.before[1])


def _live(address: str, lives: Lives) -> Definition | None:
    board, job = split_address(address)
    return lives.get(board, {}).get(job)


def _unseeded(spec: Spec) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name != "seed"}


def _is(now: Definition | None, said: tuple[Any, Any] | None) -> bool:
    if now is None or said is None:
        return now is None and said is None
    return (now.spec, now.base) == said


def _is_done(change: SavedChange, lives: Lives, away: Mapping[str, Spec | None]) -> bool:
    """Whether a job is as the plan would leave it."""
    if change.away is not None:
        return away[change.address] == change.away[1]
    return _is(_live(change.address, lives), change.after)


def _how(change: SavedChange, now: Definition | None) -> str:
    if now is None:
        return "gone"
    if change.before is None:
        return "there already"
    spec, base = change.before
    paths = [f.path for f in merge_job(spec, spec, now.spec).fields or merge_job(base, base, now.base).fields]
    return ", ".join(paths) or "there already"


def _board(
    board: SavedBoard, record: BoardRecord | None, lives: Lives, away: Mapping[str, Spec | None]
) -> BoardPlan:
    live = lives.get(board.name, {})
    left = tuple(job for job in board.left if job in live)
    changes = tuple(
        _change(change, _found(change, lives))
        for change in board.changes
        if not _is_done(change, lives, away)
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
        else {**record.meta, **board_facts(bases), "digest": None}
    )
    if board.released:
        meta.pop("held", None)
    written = {*left, *(split_address(c.address)[1] for c in changes if c.away is None)}
    by_hand = [job for job in (record.drift if record else ()) if job not in live]
    removed = [address_of(board.name, job) for job in by_hand if job not in written and not board.removed]
    return BoardPlan(
        board.name,
        board.path,
        record.version if record else None,
        changes,
        (*_drift(board.name, live, written), *map(removal, removed)),
        jobs=len(bases),
        removed=board.removed,
        meta=meta,
        recorded=board.recorded and is_same,
        released=board.released and is_same,
        left=left,
        forgotten=tuple(job for job in by_hand if job in written or board.removed),
        requeue=board.requeue,
        on_prune=board.on_prune,
    )


def _change(saved: SavedChange, now: Definition | None) -> JobChange:
    spec, base = saved.after or (None, saved.away[1] if saved.away else None)
    was = saved.away[0] if saved.away else None
    return JobChange(saved.address, saved.action, now, spec, base, saved.fields, saved.source, was)


def _drift(board: str, live: Mapping[str, Definition], written: set[str]) -> Iterator[Drift]:
    for job, definition in sorted(live.items()):
        if definition.drifted and job not in written:
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
