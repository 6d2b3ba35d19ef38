"""A plan for programs. `format_version` moves only when a key changes its meaning or goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.cli.plans.changes import ClockTexts
from jobboard.cli.records import override_json, skip_json
from jobboard.core.names import split_address
from jobboard.core.plans.change import ACTIONS
from jobboard.core.plans.crowding import week_ahead
from jobboard.core.plans.forecast import effect_of
from jobboard.core.times.instant import format_instant
from jobboard.reconcile.parts import count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.merge import Merged
    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.clash import Clash
    from jobboard.core.plans.drift import Conflicted, Drift
    from jobboard.core.plans.plan import BoardPlan, Plan
    from jobboard.core.runs.facts import Hold
    from jobboard.reconcile.around import Around
    from jobboard.reconcile.planning import Planned

FORMAT_VERSION = "1.0"


def plan_json(planned: Planned, around: Around) -> dict[str, Any]:
    """The plan as plain values: instants are RFC 3339 in UTC, spans milliseconds, values canonical."""
    plan, clocks = planned.plan, ClockTexts(planned, around.now_ms)
    return {
        "format_version": FORMAT_VERSION,
        "namespace": plan.namespace,
        "digest": plan.digest,
        "applyable": plan.applyable,
        "empty": plan.empty,
        "counts": {action: plan.counts[action] for action in ACTIONS},
        "fresh": planned.fresh,
        "parts": count(plan, planned.options.boards_at_once),
        "left_out": list(plan.left_out),
        "boards": [_board(planned, board, around, clocks) for board in plan.boards],
        "holds": {scope: [_hold(hold) for hold in listed] for scope, listed in around.holds.items()},
        "skips": {address: skip_json(skip) for address, skip in around.skips.items()},
        "overrides": {
            address: [override_json(override) for override in around.overrides(address)]
            for address in around.overridden
        },
        "week": _week(plan, around),
        "since": _since(around),
        "warnings": [warning.as_json() for warning in planned.warnings],
    }


def _board(planned: Planned, board: BoardPlan, around: Around, clocks: ClockTexts) -> dict[str, Any]:
    parsed = planned.boards.get(board.name)
    return {
        "name": board.name,
        "path": board.path,
        "jobs": board.jobs,
        "removed": board.removed,
        "missing": board.missing,
        "requeue": board.requeue,
        "outdated_runs": [
            {"address": job.address, "runs": job.runs, "revisions": list(job.revisions)}
            for job in board.outdated
        ],
        "notices": list(board.notices),
        "on_prune": "cancel" if board.stopping else "drain",
        "held": dict(board.held) if board.held is not None else None,
        "changes": [
            {
                **_change(change, around),
                "clock_changes": clocks.of(board.name, change),
                "line": parsed.line_of(split_address(change.address)[1]) if parsed else None,
            }
            for change in board.changes
        ],
        "drift": [_edited(drift, around) for drift in board.drift],
        "conflicts": [
            {
                **_edited(conflict, around),
                "skipped": conflict.skipped,
                "revision": conflict.revision,
                "moved": [_field(field) for field in conflict.moved],
            }
            for conflict in board.conflicts
        ],
        "semantic_conflicts": [_clash(clash, around) for clash in board.clashes],
        "refusals": [
            {"code": r.code, "subject": r.subject, "message": r.message, "way_out": r.way_out}
            for r in board.refusals
        ],
    }


def _change(change: JobChange, around: Around) -> dict[str, Any]:
    effect = effect_of(change, around.now_ms)
    runs = around.bystanders.get(change.address)
    last = runs.last_run if runs else None
    return {
        "address": change.address,
        "action": change.action,
        "source": change.source,
        "before": dict(change.before.spec) if change.before else None,
        "after": dict(change.after) if change.after is not None else None,
        "fields": [_field(field) for field in change.fields],
        "next_before": _instant(effect.next_before_ms),
        "next_after": _instant(effect.next_after_ms),
        "queued_runs": runs.queued if runs else 0,
        "running_runs": runs.running if runs else 0,
        "last_run": {"state": last.state, "ended_at": _instant(last.ended_at_ms)} if last else None,
    }


def _week(plan: Plan, around: Around) -> dict[str, Any] | None:
    """What the plan does to the coming week; None where it changes too many jobs to count."""
    ahead = week_ahead(plan.changes, around.live, around.now_ms)
    if ahead is None:
        return None
    return {
        "runs_per_day_before": ahead.before,
        "runs_per_day_after": ahead.after,
        "counted_jobs": ahead.jobs,
        "all_jobs": ahead.all_jobs,
        "crowded": [
            {"from": _instant(h.from_ms), "before": h.before, "after": h.after, "days": h.days}
            for h in ahead.crowded
        ],
    }


def _since(around: Around) -> dict[str, Any] | None:
    since = around.since
    if since is None:
        return None
    unexplained = [{"address": a, "paths": list(paths)} for a, paths in sorted(since.unexplained.items())]
    return {"ref": since.ref, "commit": since.commit, "unexplained": unexplained}


def _edited(job: Drift | Conflicted, around: Around) -> dict[str, Any]:
    made = around.edits.get(job.address, {})
    fields = [{**_field(field), "edited": _edit(made.get(field.path))} for field in job.fields]
    return {"address": job.address, "fields": fields}


def _clash(clash: Clash, around: Around) -> dict[str, Any]:
    """What would not hold together after the merge. An empty path is the whole job."""
    return {
        "kind": clash.kind,
        "message": clash.message,
        "skipped": clash.skipped,
        "cures": list(clash.cures),
        "parts": [
            {
                "address": part.address,
                **_field(part.field),
                "edited": _edit(around.edits.get(part.address, {}).get(part.field.path)),
            }
            for part in clash.parts
        ],
    }


def _edit(made: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {**made, "at": _instant(made["at"])} if made else None


def _field(field: Merged) -> dict[str, Any]:
    return {
        "path": field.path,
        "verdict": field.verdict,
        "base": field.base,
        "live": field.live,
        "file": field.file,
        "result": field.result,
    }


def _hold(hold: Hold) -> dict[str, Any]:
    return {
        "by": hold.by,
        "until": _instant(hold.until_ms),
        "reason": hold.reason,
        "at": _instant(hold.at_ms),
    }


def _instant(instant_ms: int | None) -> str | None:
    return None if instant_ms is None else format_instant(instant_ms)
