"""One board of a plan: its file against what is in the store, what stands in the way, and what to record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.core.names import address_of, split_address
from jobboard.core.plans.arrival import arrived
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.notice import notices
from jobboard.core.plans.plan import BoardPlan
from jobboard.core.plans.refusal import drift_refusals, empty_refusal, loss_refusal, protected_refusals
from jobboard.reconcile import ancestry, guards, targeting
from jobboard.reconcile.traffic import board_facts
from jobboard.store.boards import tombstones

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.jobs.policy import Policy
    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.drift import Drift
    from jobboard.core.plans.refusal import Refusal
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.reconcile.traffic import Traffic
    from jobboard.source.board import Board
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class Pair:
    """A board as its file says it, and as the store holds it.

    Attributes:
        board: The file's.
        record: The store's; None for a board that is new.
        live: Its jobs in the store, as if those that come or go had done so already.
        removed: Its jobs that were removed by hand, to what was applied of them last.
    """

    board: Board
    record: BoardRecord | None
    live: Mapping[str, Definition]
    removed: Mapping[str, Spec | None]

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the store says of the board."""
        return self.record.meta if self.record else {}


def paired(store: Store, board: Board, record: BoardRecord | None, live: Mapping[str, Definition]) -> Pair:
    """A board with what the store knows of it and its jobs."""
    gone = [job for job in record.drift if job not in live] if record else []
    bases = tombstones.read_bases(store, [address_of(board.name, job) for job in gone])
    removed = {split_address(address)[1]: base for address, base in bases.items()}
    return Pair(board, record, live, removed)


def plan_board(
    pair: Pair,
    policy: Policy,
    left_out: frozenset[str],
    traffic: Traffic,
    *,
    sources: Sources,
    options: Options,
) -> BoardPlan:
    """What a sync would do with one board.

    Args:
        pair: The board.
        policy: What becomes of its drift and conflicts.
        left_out: Addresses of jobs, of any board, that stay as they are.
        traffic: Jobs that come to boards and leave them.
        sources: Where the files come from.
        options: What the person who asked allows.
    """
    board, record, live = pair.board, pair.record, pair.live
    comings = traffic.comings.get(board.name, {})
    without = {job for job in {**board.jobs, **live} if address_of(board.name, job) in left_out}
    changes, drift, conflicts = plan_jobs(
        board.name,
        board.jobs,
        live,
        policy,
        skip_conflicted=options.skip_conflicted and not comings,
        left_out=without,
        removed=pair.removed,
    )
    changes = arrived(changes, comings, board.name)
    skipped = without | {split_address(c.address)[1] for c in conflicts if c.skipped}
    specs = _specs_after(board, live, skipped, drift)
    meta = _meta_after(pair, specs, skipped, sources)
    addresses = (*(d.address for d in drift), *(c.address for c in conflicts))
    spoken_of = {split_address(address)[1] for address in addresses}
    forgotten = tuple(sorted({*(record.drift if record else ())} - live.keys() - spoken_of))
    return BoardPlan(
        board.name,
        board.path,
        record.version if record else None,
        changes,
        drift,
        conflicts,
        (
            *traffic.refusals.get(board.name, ()),
            *protected_refusals(changes),
            *drift_refusals(drift),
            *_loss_refusals(pair, changes, without, options),
            *(guards.origin_refusals(record, sources, options) if record else ()),
        ),
        len(specs),
        meta=meta,
        recorded=record is None or meta != record.meta or bool(forgotten),
        released=bool(pair.meta.get("held")),
        forgotten=forgotten,
        left=tuple(sorted(traffic.goings.get(board.name, ()))),
        notices=tuple(notices(live, changes)),
    )


def passed_over(pair: Pair, record: BoardRecord, traffic: Traffic) -> BoardPlan:
    """The plan of a board whose file has no say, since a rollback holds it."""
    return BoardPlan(
        record.name,
        pair.board.path,
        record.version,
        jobs=int(record.meta["jobs"]),
        meta=record.meta,
        refusals=tuple(traffic.refusals.get(record.name, ())),
        held=record.meta["held"],
    )


def is_held(board: Board, record: BoardRecord, live: Mapping[str, Definition]) -> bool:
    """Whether a rollback keeps the file from having a say: until it says what was rolled back to."""
    if not record.meta.get("held"):
        return False
    then = {job: {n: v for n, v in d.base.items() if n != "seed"} for job, d in live.items()}
    return board.jobs != then


def boards_removed_by(board: Board) -> list[str]:
    """The boards that a board beside them says may go."""
    return [removal.board for removal in board.removals if removal.board is not None]


def _loss_refusals(
    pair: Pair, changes: Sequence[JobChange], without: Collection[str], options: Options
) -> list[Refusal]:
    """What is refused of a board that would go to nothing, or would lose a great part of its jobs."""
    name, before = pair.board.name, len(pair.live)
    if empty := empty_refusal(name, before, len({*pair.board.jobs, *without})):
        return [] if options.allow_empty else [empty]
    loss = loss_refusal(name, before, changes, options.allow_destroy)
    return [loss] if loss else []


def _meta_after(
    pair: Pair, specs: Mapping[str, Spec], skipped: Collection[str], sources: Sources
) -> dict[str, Any]:
    """What the board's record will say."""
    board, live = pair.board, pair.live
    undone = any(targeting.differs(board.jobs.get(job), live.get(job)) for job in skipped)
    meta = {
        **ancestry.without_provenance(pair.meta),
        **ancestry.provenance(sources, pair.meta),
        "path": board.path,
        # A digest is kept only where nothing of the file was left undone.
        "digest": None if undone else board.digest,
        "description": board.description,
        "owner": board.owner,
        **board_facts(specs),
    }
    for name in ("held", "reconcile", "removes"):
        meta.pop(name, None)
    if removes := boards_removed_by(board):
        meta["removes"] = removes
    on_prune = [layer["on_prune"] for layer in board.policies if "on_prune" in layer][-1:]
    if board.reconcile or on_prune:
        meta["reconcile"] = {**board.reconcile, **({"on_prune": on_prune[0]} if on_prune else {})}
    return meta


def _specs_after(
    board: Board, live: Mapping[str, Definition], skipped: Collection[str], drift: Iterable[Drift]
) -> dict[str, Spec]:
    """What the board's record is to speak of: the file's jobs, save those left as they are or away."""
    specs = {job: spec for job, spec in board.jobs.items() if job not in skipped}
    specs.update((job, live[job].spec) for job in skipped if job in live)
    for found in drift:
        job = split_address(found.address)[1]
        if job not in live:
            specs.pop(job, None)
        elif job not in specs:
            specs[job] = live[job].spec
    return specs
