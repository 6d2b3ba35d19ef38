"""What a change means in time: when a job runs next, before and after, and how often a day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.core.jobs.model import seed_of
from jobboard.core.times.schedule import compile_schedule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.change import JobChange

CROWD = 10
"""So many jobs that start in one minute are worth a word."""
MINUTE_MS = 60_000
WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one change in time.

    Attributes:
        next_before_ms: When the job would have been due next; None for never, by hand only,
            and where that follows from when a run ends.
        next_after_ms: When it will be.
    """

    next_before_ms: int | None
    next_after_ms: int | None


def effect_of(change: JobChange, now_ms: int) -> Effect:
    """When the changed job is due next, before and after."""
    address, ran, runs = change.address, change.ran, change.runs
    before = after = None
    if ran is not None and "delay" not in ran.get("schedule", {}):
        before = next_due_ms(address, ran, now_ms)
    if runs is not None:
        after = next_due_between(address, ran, runs, now_ms)
    return Effect(before, after)


def next_due_ms(address: str, spec: Spec, now_ms: int) -> int | None:
    """When a job of that definition is due first, after now; None for never or by hand only.

    One that runs a while after each of its runs ends is due at once, or at its start.
    """
    schedule = spec.get("schedule")
    if schedule is None or spec.get("enabled") is False:
        return None
    compiled = compile_schedule(schedule, seed_of(address, spec))
    if "delay" in schedule:
        compiled = compiled.anchored(now_ms + 1)
    nominal = compiled.next_after(now_ms)
    return None if nominal is None else compiled.due(nominal)


def next_due_between(address: str, ran: Spec | None, runs: Spec, now_ms: int) -> int | None:
    """When a job is due that ran by one definition and is to run by another; see `next_due_ms`.

    Where a delay alone is changed it is due that while from now, as if a run had just ended.
    """
    before, after = (ran or {}).get("schedule", {}), runs.get("schedule", {})
    goes_on = "delay" in before and "delay" in after and (ran or {}).get("enabled") is not False
    return next_due_ms(address, runs, now_ms - 1 + after["delay"] if goes_on else now_ms)


def crowded_instant(instants_ms: Iterable[int | None]) -> tuple[int, int] | None:
    """The minute in which most of these instants fall, if they are a crowd: how many, and its beginning."""
    minutes = Counter(at // MINUTE_MS for at in instants_ms if at is not None)
    if not minutes:
        return None
    minute, count = max(minutes.items(), key=lambda item: (item[1], -item[0]))
    return (count, minute * MINUTE_MS) if count >= CROWD else None
