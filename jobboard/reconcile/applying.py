"""Applying: what a plan says is written, all of it or nothing.

One script swaps every board of a sync, and while it runs nobody else is served: of very many boards that
would be long. Beyond a number of them a plan is written in parts, each all or nothing, and says so before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.reconcile.parts import joined, split
from jobboard.reconcile.planning import make_plan
from jobboard.reconcile.turn import Turn
from jobboard.store.boards import definitions, staging
from jobboard.store.boards.definitions import MovedSince
from jobboard.store.calls import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobboard.core.plans.plan import Plan
    from jobboard.reconcile.planning import Planned
    from jobboard.store.calls.connect import Store

LARGE = 1_000
"""Boards from which on a commit waits for a child of the server that writes its memory to disk."""
ATTEMPTS = 10
"""How often a sync plans anew when others write at the same time, before it gives up as stale."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did.

    Attributes:
        plan: The plan that was applied; the empty one where nothing had to be.
        revision: Its revision's number; None where nothing was written.
        repeated: Whether others had applied the very same by then.
        requeued: How many waiting runs, of jobs that stayed as they are, took the definition in force.
        parts: In how many parts it was written, each of them all or nothing and a revision of its own;
            `revision` is that of the last.
    """

    plan: Plan
    revision: int | None
    repeated: bool = False
    parts: int = 1
    requeued: int = 0


def apply(
    store: Store, planned: Planned, by: Mapping[str, Any], tell: Callable[[str], None] = lambda _: None
) -> Synced:
    """Write what a plan says, all of it or nothing; in parts if its boards are too many for one commit.

    When others write meanwhile, the plan is made again from the same files: the same changes are tried
    again, none left means that somebody applied them already, others are for a person to look at. After two
    refusals live edits are kept waiting for the moment that a try takes, so that a store in which somebody
    always edits something starves nobody.

    Args:
        store: Where to.
        planned: The plan.
        by: Who, via what, from which host, why.
        tell: Is told in a sentence what is waited for, if anything.

    Raises:
        errors.Conflict: Something is changed on both sides.
        errors.Refused: A guard stands in the way.
        errors.Stale: The plan no longer describes what would be written.
    """
    whole, revision = planned.plan, None
    left = split(whole, planned.options.boards_at_once)
    total = len(left)
    with Turn(store) as turn:
        for _ in range(ATTEMPTS + total):
            refuse(planned.plan)
            try:
                revision = _apply_once(store, replace(planned, plan=left[0]), by, turn, tell)
                del left[0]
                if not left:
                    return Synced(whole, revision, parts=total, requeued=_requeued(store, whole, by))
            except MovedSince as moved:
                turn.missed()
                planned = (
                    planned.again() if planned.again else make_plan(store, planned.sources, planned.options)
                )
                if planned.plan.applyable and not planned.plan.rewritten:
                    requeued = _requeued(store, planned.plan, by)
                    return Synced(planned.plan, revision, repeated=True, parts=total, requeued=requeued)
                if planned.plan.digest != joined(left).digest:
                    raise _partly(moved, total - len(left), total) from None
                left = split(planned.plan, planned.options.boards_at_once)
    raise errors.Stale("others kept writing to the same boards", "try again when the store is quieter")


def _partly(moved: MovedSince, done: int, total: int) -> errors.Stale:
    """The refusal of a part, where others are written already."""
    if not done:
        return moved
    return errors.Stale(
        f"{', '.join(moved.boards)} changed in Redis meanwhile; {done} of {total} parts are written",
        "look at what is left, and write it: jobboard plan, jobboard sync",
    )


def refuse(plan: Plan) -> None:
    """Raise what keeps a plan from being applied, if anything does.

    Raises:
        errors.Conflict: A conflict, forbidden drift, or a board owned by another origin.
        errors.Refused: Any other guard.
    """
    contested = [refusal for refusal in plan.refusals if refusal.contested]
    if plan.blocking:
        jobs = ", ".join(conflict.address for conflict in plan.blocking[:5])
        raise errors.Conflict(
            f"the file and Redis both changed {jobs}; nothing was written",
            "jobboard plan shows the three values and the ways out",
        )
    for clash in plan.clashes:
        if not clash.skipped:
            raise errors.Conflict(
                f"{clash.message}; nothing was written", "jobboard plan shows both sides and the ways out"
            )
    if contested:
        raise errors.Conflict(f"{contested[0].message}; nothing was written", contested[0].way_out)
    if plan.refusals:
        first = plan.refusals[0]
        raise errors.Refused(f"{first.message}; nothing was written", first.way_out)


def _apply_once(
    store: Store, planned: Planned, by: Mapping[str, Any], turn: Turn, tell: Callable[[str], None]
) -> int | None:
    plan = planned.plan
    touched = [board for board in plan.boards if board.rewritten]
    if not staging.is_drained(store):
        staging.drain(store)
    if not touched:
        _record(store, plan, by)
        return None
    # Most syncs have nothing to write, and never come here.
    from jobboard.reconcile.boardwrite import stage_board

    stage = staging.begin(store)
    moved = {c.source: c.address for board in touched for c in board.changes if c.source is not None}
    writes = [
        stage_board(store, stage, f"{stage.id}-{n}", board, by, moved=moved)
        for n, board in enumerate(touched)
    ]
    # Once edits are kept waiting for it, a sync waits for nobody.
    if len(touched) >= LARGE and turn.sync is None:
        forks.await_child(store, tell)
    revision, _ = staging.commit(store, stage, writes, revision=_revision(planned), by=by, sync=turn.sync)
    staging.drain(store)
    _record(store, plan, by)
    staging.collect(store)
    return revision


def _requeued(store: Store, plan: Plan, by: Mapping[str, Any]) -> int:
    """Give waiting runs of jobs that stay as they are the definition in force; how many took it."""
    if not plan.outdated:
        return 0
    from jobboard.reconcile.requeuing import renew

    return renew(store, plan, by)


def _record(store: Store, plan: Plan, by: Mapping[str, Any]) -> None:
    """Note the new commit of boards that did not change otherwise; another sync may win here, and may."""
    for board in plan.boards:
        if board.released and not board.rewritten and board.version is not None:
            seen = definitions.BoardRecord(board.name, board.version)
            staging.release(store, seen, board.meta, by, why="its file says what it was rolled back to")
    notes = [
        (board.name, board.version, board.meta, board.drifted)
        for board in plan.boards
        if board.recorded and not board.released and not board.rewritten and board.version is not None
    ]
    if notes:
        staging.record(store, notes)


def _revision(planned: Planned) -> dict[str, Any]:
    plan, checkout = planned.plan, planned.sources.checkout
    return {
        "digest": plan.digest,
        "commit": checkout.commit if checkout else None,
        "branch": checkout.branch if checkout else None,
        "author": checkout.author if checkout else None,
        "dirty": bool(checkout and checkout.dirty),
        "rollback": planned.rollback,
        "counts": dict(plan.counts),
        "boards": [board.name for board in plan.boards if board.rewritten],
    }
