"""How runs read: a state in words, how long it took; and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.cli.screen import moment as full_moment
from jobboard.core.diagnostic import visible
from jobboard.core.jobs.written import unit_of
from jobboard.core.times.instant import format_instant
from jobboard.core.times.moment import brief_instant, brief_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.cli.screen import Screen
    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.override import Override
    from jobboard.core.runs.facts import Hold, Join, Skip
    from jobboard.core.runs.record import Record, Try

STYLES = {
    "ok": "good",
    "failed": "error",
    "lost": "error",
    "running": "record",
    "stopping": "change",
    "waiting": "change",
    "delayed": "change",
    "blocked": "change",
}


def style_of(record: Record) -> str:
    """The style a record's state is painted in."""
    return STYLES.get(record.state, "dim" if record.passed_over else "")


def terminal_width(screen: Screen) -> int | None:
    """How many columns a line has; None without a terminal, where nothing is wrapped."""
    return screen.columns() or None


def wrapped(screen: Screen, text: str, indent: int) -> list[str]:
    """The text in lines that fit beside an indent; in one without a terminal."""
    width = terminal_width(screen)
    if width is None or width < indent + 20:
        return [text]
    from textwrap import wrap

    return wrap(text, width - indent, break_long_words=False, break_on_hyphens=False) or [""]


def state_text(record: Record) -> str:
    """The state in a few words: ``ok``, ``failed``, ``skipped 12 times``, ``running, try 2``."""
    if record.passed_over:
        return f"{record.state} {record.count} times" if record.count > 1 else record.state
    if record.live and record.attempt > 1:
        return f"{record.state}, try {record.attempt}"
    return record.state


def spent(record: Record, now_ms: int) -> str:
    """How long the last attempt took, or has been taking so far; nothing where none started."""
    if record.live and record.started_at_ms is not None:
        return f"{brief_span(max(0, now_ms - record.started_at_ms))}…"
    return "" if record.duration_ms is None else brief_span(record.duration_ms)


def moment(at_ms: int | None, zone: str | None, now_ms: int) -> str:
    """A brief instant, or a dash for none."""
    return "-" if at_ms is None else brief_instant(at_ms, zone, now_ms)


def clocks_text(zones: Iterable[str | None]) -> str | None:
    """By whose clock brief instants are written, of jobs in these zones; None where all are in UTC."""
    names = sorted({zone or "UTC" for zone in zones})
    if names in ([], ["UTC"]):
        return None
    if len(names) == 1:
        return f"Times are by the clock of {names[0]}."
    return f"Times are by each job's own clock: {', '.join(names)}."


def instant_json(at_ms: int | None) -> str | None:
    """RFC 3339, or None."""
    return None if at_ms is None else format_instant(at_ms)


def record_json(record: Record) -> dict[str, Any]:
    """A record as JSON; a run and nominals passed over have the same keys."""
    return {
        "run": record.run_id or None,
        "job": record.job,
        "state": record.state,
        "reason": record.reason,
        "nominal": format_instant(record.nominal_ms),
        "trigger": record.trigger,
        "attempt": record.attempt,
        "queue": record.queue,
        "lock": record.lock,
        "needs": list(record.needs),
        "waits_until": instant_json(record.waits_until_ms),
        "unlocked": [
            {"lock": one.lock, "by": one.by, "reason": one.reason, "at": instant_json(one.at_ms)}
            for one in record.unlocked
        ],
        "queued_at": instant_json(record.queued_at_ms),
        "due_at": instant_json(record.due_at_ms),
        "started_at": instant_json(record.started_at_ms),
        "ended_at": instant_json(record.ended_at_ms),
        "duration_ms": record.duration_ms,
        "worker": record.worker,
        "exit": record.exit_code,
        "signal": record.signal,
        "by": record.by,
        "revision": record.revision,
        "lost": record.lost,
        "defers": record.defers,
        "overlapped": record.overlapped,
        "late": record.late,
        "output_bytes": record.output_bytes,
        "dropped_bytes": record.dropped_bytes,
        "count": record.count,
        "first": instant_json(record.first_ms),
        "tries": [_try_json(one) for one in record.tries],
        "group": record.group,
        "tags": list(record.tags),
        "tracked": record.tracked,
        "progress": {"percent": record.percent, "text": record.doing} if record.progress else None,
    }


def deed_json(by: Mapping[str, Any]) -> dict[str, Any]:
    """Who did something, by what way, from where and why, as JSON."""
    return {"by": by.get("actor"), **{key: by.get(key) for key in ("via", "host", "reason")}}


def field_json(field: Merged) -> dict[str, Any]:
    """A path that moved, as JSON, its values canonical."""
    return {
        "path": field.path,
        "before": field.live,
        "after": field.result,
        "unit": unit_of(field.path),
    }


def drift_json(field: Merged, edit: Mapping[str, Any] | None) -> dict[str, Any]:
    """A path that was edited live, as JSON: what it was, what it is, and who did it if that is known."""
    made = edit or {}
    return {
        "path": field.path,
        "base": field.base,
        "live": field.live,
        "unit": unit_of(field.path),
        "by": made.get("actor"),
        "via": made.get("via"),
        "reason": made.get("reason") or None,
        "at": instant_json(made.get("at")),
    }


def joins_json(joins: Sequence[Join]) -> list[dict[str, Any]]:
    """Nominals that wait for some of a job's parents, as JSON."""
    return [{"nominal": format_instant(join.nominal_ms), "missing": list(join.missing)} for join in joins]


def holds_json(holds: Mapping[str, Sequence[Hold]]) -> list[dict[str, Any]]:
    """Holds by scope, as JSON."""
    return [
        {
            "scope": scope,
            "by": hold.by,
            "reason": hold.reason or None,
            "since": instant_json(hold.at_ms),
            "until": instant_json(hold.until_ms),
        }
        for scope, several in holds.items()
        for hold in several
    ]


def overrides_json(overrides: Iterable[Override]) -> list[dict[str, Any]]:
    """Overrides, as JSON, their values canonical."""
    return [{**override_json(override), "unit": unit_of(override.path)} for override in overrides]


def override_json(override: Override) -> dict[str, Any]:
    """An override, as the JSON of a plan has it."""
    return {
        "path": override.path,
        "value": override.value,
        "reason": override.reason,
        "by": override.by,
        "via": override.via,
        "since": instant_json(override.at_ms),
        "until": instant_json(override.until_ms),
    }


def skip_json(skip: Skip | None) -> dict[str, Any] | None:
    """What is to be passed over, as JSON."""
    if skip is None:
        return None
    return {
        "left": skip.left,
        "by": skip.by,
        "reason": skip.reason or None,
        "since": instant_json(skip.at_ms),
    }


def overriding(override: Override, now_ms: int, zone: str | None = None) -> str:
    """Until when, by whom and why a value is overridden, to stand after it."""
    until_ms = override.until_ms
    until = f" until {full_moment(until_ms, zone, now_ms=now_ms)}" if until_ms is not None else ""
    return f'{until} ({visible(override.by)}: "{visible(override.reason)}")'


def _try_json(one: Try) -> dict[str, Any]:
    return {
        "attempt": one.attempt,
        "state": one.state,
        "reason": one.reason,
        "worker": one.worker,
        "started_at": instant_json(one.started_at_ms),
        "ended_at": instant_json(one.ended_at_ms),
        "exit": one.exit_code,
        "signal": one.signal,
        "retried_by": one.again_by,
        "retried_because": one.again_reason,
    }
