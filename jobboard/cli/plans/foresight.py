"""What the changes of a plan come to together: crowded instants, runs per day, a namespace that is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.plans.crowding import week_ahead
from jobboard.core.plans.forecast import crowded_instant
from jobboard.core.times.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.cli.plans.view import PlanView

CROWDED = 3
"""Crowded hours that are named."""
NAMED = 5
"""Jobs that are named where there may be many."""


def write_foresight(view: PlanView) -> None:
    """Write what the changes come to together."""
    _crowd(view)
    _week(view)
    _flushed(view)


def _crowd(view: PlanView) -> None:
    # What comes a while after its own runs begins at once, and no jitter spreads it.
    moved = [
        c
        for c in view.plan.changes
        if c.action in ("add", "change") and c.moves_schedule and not _is_paced(c.runs)
    ]
    if crowd := crowded_instant(view.effect(change).next_after_ms for change in moved):
        count, then = crowd[0], view.moment(crowd[1], None)
        view.say(f"{count} of these jobs start together, {then}; jitter would spread them.", "dim")


def _week(view: PlanView) -> None:
    if not any(change.moves_schedule for change in view.plan.changes):
        return
    ahead = week_ahead(view.plan.changes, view.around.live, view.around.now_ms)
    if ahead is None:
        text = "What these jobs do to the week is not counted: too many have schedules of their own."
        view.say(f"{text} jobboard simulate plays a day of them.", "dim")
        return
    if round(ahead.before, 1) != round(ahead.after, 1):
        view.say(f"Runs per day of these jobs: {_count(ahead.before)} → {_count(ahead.after)}.", "dim")
    counted = f"all {ahead.jobs:,} jobs" if ahead.all_jobs else "these jobs alone"
    for hour in ahead.crowded[:CROWDED]:
        days = f" and on {hour.days - 1} more days" if hour.days > 1 else ""
        starts = f"{hour.before:,} → {hour.after:,} runs start in that hour"
        view.say(f"Crowded: {view.moment(hour.from_ms, None)}{days}, {starts}, of {counted}.", "dim")


def _flushed(view: PlanView) -> None:
    if view.planned.fresh and view.plan.changes:
        view.say(
            "The namespace holds no board yet: this is its first sync, or it was flushed."
            " Nothing that was due before now is caught up with.",
            "dim",
        )
        anew = [text for change in view.plan.changes for text in _counted(change.address, change.runs)]
        if anew:
            more = f" and {len(anew) - NAMED:,} more" if len(anew) > NAMED else ""
            view.say(f"Counted from the first, whatever ran before: {', '.join(anew[:NAMED])}{more}.", "dim")


def _counted(address: str, spec: Mapping[str, Any] | None) -> Iterator[str]:
    """A job that goes by what it ran before, which a store that lost its memory has forgotten."""
    schedule = (spec or {}).get("schedule", {})
    if "runs" in schedule:
        yield f"{address} (runs: {schedule['runs']:,})"
    elif "delay" in schedule:
        yield f"{address} (delay: {format_duration(schedule['delay'])})"


def _count(number: float) -> str:
    """A number of runs: whole where it is large or whole, one decimal where it is small."""
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def _is_paced(spec: Mapping[str, Any] | None) -> bool:
    return spec is not None and "delay" in spec.get("schedule", {})
