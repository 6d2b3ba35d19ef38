"""A plan for programs. `format_version` moves only when a key changes its meaning or goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.forecast import effect_of
from jobboard.core.instant import format_instant
from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.merge import Merged
    from jobboard.core.plan import BoardPlan, JobChange
    from jobboard.reconcile.planning import Planned

FORMAT_VERSION = "1.0"


def plan_json(
    planned: Planned, now_ms: int, holds: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """The plan as plain values: instants are RFC 3339 in UTC, spans milliseconds, values canonical."""
    plan = planned.plan
    return {
        "format_version": FORMAT_VERSION,
        "namespace": plan.namespace,
        "digest": plan.digest,
        "applyable": plan.applyable,
        "empty": plan.empty,
        "counts": {action: plan.counts[action] for action in ("add", "change", "destroy", "record")},
        "boards": [_board(planned, board, now_ms) for board in plan.boards],
        "holds": {scope: [_hold(hold) for hold in listed] for scope, listed in holds.items()},
        "warnings": [warning.as_json() for warning in planned.warnings],
    }


def _board(planned: Planned, board: BoardPlan, now_ms: int) -> dict[str, Any]:
    lines = planned.boards[board.name].lines if board.name in planned.boards else {}
    return {
        "name": board.name,
        "path": board.path,
        "jobs": board.jobs,
        "removed": board.removed,
        "changes": [
            {**_change(change, now_ms), "line": lines.get(split_address(change.address)[1])}
            for change in board.changes
        ],
        "drift": [{"address": d.address, "fields": [_field(f) for f in d.fields]} for d in board.drift],
        "conflicts": [
            {"address": c.address, "fields": [_field(f) for f in c.fields]} for c in board.conflicts
        ],
        "refusals": [
            {"code": r.code, "subject": r.subject, "message": r.message, "way_out": r.way_out}
            for r in board.refusals
        ],
    }


def _change(change: JobChange, now_ms: int) -> dict[str, Any]:
    effect = effect_of(change, now_ms)
    return {
        "address": change.address,
        "action": change.action,
        "before": dict(change.before.spec) if change.before else None,
        "after": dict(change.after) if change.after is not None else None,
        "fields": [_field(field) for field in change.fields],
        "next_before": _instant(effect.next_before_ms),
        "next_after": _instant(effect.next_after_ms),
    }


def _field(field: Merged) -> dict[str, Any]:
    return {
        "path": field.path,
        "verdict": field.verdict,
        "base": field.base,
        "live": field.live,
        "file": field.file,
        "result": field.result,
    }


def _hold(hold: Mapping[str, Any]) -> dict[str, Any]:
    return {**hold, "at": _instant(hold["at"]), "until": _instant(hold.get("until"))}


def _instant(instant_ms: int | None) -> str | None:
    return None if instant_ms is None else format_instant(instant_ms)
