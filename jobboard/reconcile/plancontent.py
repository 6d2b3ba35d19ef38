"""What a saved plan holds, and its form as plain values.

What the plan would write and what that was made from, job by job; what it leaves undone, since whoever
applies it is told of that again; and where its boards came from, since guards look at that again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.merge import Merged
from jobboard.core.plans.clash import Clash, Part
from jobboard.core.plans.drift import Conflicted
from jobboard.source.git import Checkout
from jobboard.source.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.change import Action, JobChange
    from jobboard.core.plans.plan import BoardPlan, OnPrune
    from jobboard.reconcile.planning import Planned


@dataclass(frozen=True, slots=True)
class SavedChange:
    """One job that the plan would write.

    Attributes:
        address, action, source: As in `core.plans.change.JobChange`.
        before: The live definition and its base that the plan was made from; None for no such job.
        after: Both afterwards; None for a destroyed job.
        fields: The paths that move.
        away: The base before and afterwards, of a job that was removed by hand and stays away.
    """

    address: str
    action: Action
    before: tuple[Spec, Spec] | None
    after: tuple[Spec, Spec] | None
    fields: tuple[Merged, ...]
    source: str | None
    away: tuple[Spec, Spec] | None = None


@dataclass(frozen=True, slots=True)
class SavedBoard:
    """One board of the plan; see `core.plans.plan.BoardPlan` for what is not said here.

    Attributes:
        head: The commit it came from until then, which the plan's was judged against.
        outdated: Jobs that stay as they are to what their waiting runs are to take.
        conflicts, clashes: Those whose jobs are left as they are.
    """

    name: str
    path: str
    version: str | None
    head: str | None
    changes: tuple[SavedChange, ...]
    left: tuple[str, ...]
    removed: bool
    released: bool
    recorded: bool
    meta: Mapping[str, Any]
    requeue: bool
    outdated: Mapping[str, Spec]
    on_prune: OnPrune | None
    held: Mapping[str, Any] | None
    conflicts: tuple[Conflicted, ...]
    clashes: tuple[Clash, ...]


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as a file holds it.

    Attributes:
        namespace: Where alone it may be applied.
        digest: Of the plan when it was made.
        checkout: Where its boards came from, but for the folder; None outside Git.
        pipeline: The run of a CI service that made it; None outside of one.
        allow_dirty: Whether it may write what no commit holds, wherever it is applied.
        left_out: Jobs that were not to take part, by address.
        boards: The boards that it would write, or leaves something of undone.
    """

    namespace: str
    digest: str
    checkout: Checkout | None
    pipeline: Pipeline | None
    allow_dirty: bool
    left_out: tuple[str, ...]
    boards: tuple[SavedBoard, ...]


def plain_of(planned: Planned) -> dict[str, Any]:
    """A plan as plain values."""
    checkout, pipeline = planned.sources.checkout, planned.sources.pipeline
    return {
        "namespace": planned.plan.namespace,
        "digest": planned.plan.digest,
        "checkout": {**asdict(checkout), "root": None} if checkout else None,
        "pipeline": asdict(pipeline) if pipeline else None,
        "allow_dirty": planned.options.allow_dirty,
        "left_out": list(planned.plan.left_out),
        "boards": [_board(b, planned.heads.get(b.name)) for b in planned.plan.boards if _is_told(b)],
    }


def plan_of(said: Mapping[str, Any]) -> SavedPlan:
    """A plan from plain values, as `plain_of` made them."""
    checkout, pipeline = said["checkout"], said["pipeline"]
    return SavedPlan(
        said["namespace"],
        said["digest"],
        Checkout(**{**checkout, "root": Path()}) if checkout else None,
        Pipeline(**pipeline) if pipeline else None,
        said["allow_dirty"],
        tuple(said["left_out"]),
        tuple(map(_saved_board, said["boards"])),
    )


def _is_told(board: BoardPlan) -> bool:
    """Whether there is anything to write of a board, or anything left that was to be written."""
    undone = board.conflicts or board.clashes or board.held
    return bool(board.rewritten or board.recorded or board.released or board.outdated or undone)


def _board(board: BoardPlan, head: str | None) -> dict[str, Any]:
    return {
        "name": board.name,
        "path": board.path,
        "version": board.version,
        "head": head,
        "changes": [_change(change) for change in board.changes],
        "left": list(board.left),
        "removed": board.removed,
        "released": board.released,
        "recorded": board.recorded,
        "meta": dict(board.meta),
        "requeue": board.requeue,
        "outdated": {job.address: dict(job.spec) for job in board.outdated},
        "on_prune": board.on_prune,
        "held": dict(board.held) if board.held else None,
        "conflicts": [[c.address, _fields(c.fields), _fields(c.moved), c.revision] for c in board.conflicts],
        "clashes": [
            [c.kind, c.message, [[part.address, *_fields([part.field])] for part in c.parts]]
            for c in board.clashes
        ],
    }


def _change(change: JobChange) -> dict[str, Any]:
    before = change.before
    return {
        "address": change.address,
        "action": change.action,
        "before": [dict(before.spec), dict(before.base)] if before else None,
        "after": [dict(change.after), dict(change.base or {})] if change.after is not None else None,
        **({} if change.away is None else {"away": [dict(change.away), dict(change.base or {})]}),
        "source": change.source,
        "fields": _fields(change.fields),
    }


def _fields(fields: Iterable[Merged]) -> list[Sequence[Any]]:
    return [[f.path, f.verdict, f.base, f.live, f.file, f.result] for f in fields]


def _saved_board(said: Mapping[str, Any]) -> SavedBoard:
    return SavedBoard(
        **{
            **said,
            "changes": tuple(map(_saved_change, said["changes"])),
            "left": tuple(said["left"]),
            "conflicts": tuple(map(_saved_conflict, said["conflicts"])),
            "clashes": tuple(map(_saved_clash, said["clashes"])),
        }
    )


def _saved_conflict(said: Sequence[Any]) -> Conflicted:
    address, fields, moved, revision = said
    return Conflicted(address, _merged(fields), skipped=True, moved=_merged(moved), revision=revision)


def _saved_clash(said: Sequence[Any]) -> Clash:
    kind, message, parts = said
    found = tuple(Part(address, Merged(*field)) for address, field in parts)
    return Clash(kind, message, found, skipped=True)


def _merged(fields: Iterable[Sequence[Any]]) -> tuple[Merged, ...]:
    return tuple(Merged(*each) for each in fields)


def _saved_change(said: Mapping[str, Any]) -> SavedChange:
    return SavedChange(
        said["address"],
        said["action"],
        tuple(said["before"]) if said["before"] else None,
        tuple(said["after"]) if said["after"] else None,
        _merged(said["fields"]),
        said["source"],
        tuple(said["away"]) if "away" in said else None,
    )
