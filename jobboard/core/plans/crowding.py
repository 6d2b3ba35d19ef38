"""When runs start in the coming week, hour by hour: as it is, and as a plan would have it. Pure.

Counted are nominals, in the hour of UTC they fall into; jitter spreads within or past it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.core.jobs.model import seed_of
from jobboard.core.plans.forecast import CROWD, WEEK_MS
from jobboard.core.times.schedule import compile_schedule, is_seeded, schedule_key
from jobboard.core.times.schedule_check import check_schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.diagnostic import Fault
    from jobboard.core.jobs.model import Spec
    from jobboard.core.plans.change import JobChange

COUNTED = 500
"""Jobs up to which a week is counted over all there are: to read more would cost more than the plan."""
CHANGED = 5_000
"""Changes up to which it is tried to count the week of these alone."""
WORTH = 60_000
"""Nominals that are looked up for that: some tenths of a second, and then it is let be."""
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
_WALKED = 400
"""Nominals a week up to which they are looked up one by one; more are counted by the hour."""
_UNEVEN = 1.5
CLOCK_RULES = ("gap-hour", "fold-hour")
"""What `core.times.schedule_check` calls an hour that a clock change skips, and one that it repeats."""


@dataclass(frozen=True, slots=True)
class CrowdedHour:
    """An hour of the day in which many more runs would start than do now.

    Attributes:
        from_ms: When it begins, on the day on which most start.
        before, after: How many start then, now and afterwards.
        days: On how many days of the week it is crowded.
    """

    from_ms: int
    before: int
    after: int
    days: int


@dataclass(frozen=True, slots=True)
class WeekAhead:
    """What a plan does to the coming week.

    Attributes:
        before, after: Runs per day of the changed jobs, now and afterwards.
        crowded: The hours that get crowded, the fullest first.
        jobs: How many jobs those were counted over.
        all_jobs: Whether that is every job there is, and not the changed ones alone.
    """

    before: float
    after: float
    crowded: tuple[CrowdedHour, ...]
    jobs: int
    all_jobs: bool


def week_ahead(
    changes: Sequence[JobChange], live: Mapping[str, Spec] | None, now_ms: int
) -> WeekAhead | None:
    """What changes do to the week after now; None where that takes too long to count.

    Args:
        changes: Of a plan.
        live: What is in force of every job there is; None where those are too many, and only the changed
            ones are counted.
        now_ms: From when on.
    """
    if len(changes) > CHANGED:
        return None
    week = _Week(now_ms, WORTH)
    try:
        ran = week.starts((c.source or c.address, c.ran) for c in changes if c.ran is not None)
        runs = week.starts((c.address, c.runs) for c in changes if c.runs is not None)
        before = ran if live is None else week.starts(live.items())
    except _TooMany:
        return None
    after = before - ran + runs
    return WeekAhead(
        before=ran.total() / 7,
        after=runs.total() / 7,
        crowded=_crowded(before, after),
        jobs=len({*(live or ()), *(change.address for change in changes)}),
        all_jobs=live is not None,
    )


def starts_by_hour(address: str, spec: Spec, now_ms: int) -> Counter[int]:
    """How many nominals of a job fall into each hour of the week after now, by when the hour begins.

    `runs` bounds them, as if none had been used up.
    """
    return _Week(now_ms).starts([(address, spec)])


def clock_faults(address: str, spec: Spec, now_ms: int) -> list[Fault]:
    """What changes of the clock within a year do to a job that falls into a skipped or a repeated hour."""
    schedule = spec.get("schedule", {})
    if (
        "cron" not in schedule
        or "after" in spec
        or schedule.get("timezone", "UTC") == "UTC"
        or spec.get("enabled") is False
    ):
        return []
    found = check_schedule(schedule, now_ms, seed_of(address, spec))
    return [fault for fault in found if fault.rule in CLOCK_RULES]


class _TooMany(Exception):
    """More nominals would have to be looked up than it is worth."""


class _Week:
    """Counts jobs of one week; jobs that fire at the same instants are counted once and multiplied.

    Args:
        now_ms: When it begins.
        worth: How many nominals may be looked up; None for any number.
    """

    def __init__(self, now_ms: int, worth: int | None = None) -> None:
        self._now_ms = now_ms
        self._worth = worth
        self._known: dict[object, Counter[int]] = {}

    def starts(self, jobs: Iterable[tuple[str, Spec]]) -> Counter[int]:
        """How many nominals of all these jobs fall into each hour."""
        total: Counter[int] = Counter()
        for address, spec in jobs:
            schedule = spec.get("schedule")
            if schedule is not None and spec.get("enabled") is not False:
                seed = seed_of(address, spec)
                key = (schedule_key(schedule), seed if is_seeded(schedule) else "")
                if key not in self._known:
                    self._known[key] = self._count(schedule, seed)
                total.update(self._known[key])
        return total

    def _count(self, schedule: Mapping[str, object], seed: str) -> Counter[int]:
        compiled = compile_schedule(schedule, seed)
        end_ms = self._now_ms + WEEK_MS
        count = compiled.count(self._now_ms, end_ms)
        limit = schedule.get("runs")
        count = min(count, limit) if isinstance(limit, int) else count
        self._spend(count if count <= _WALKED else WEEK_MS // HOUR_MS)
        hours: Counter[int] = Counter()
        at_ms: int | None = self._now_ms
        if count <= _WALKED:
            for _ in range(count):
                assert at_ms is not None
                at_ms = compiled.next_after(at_ms)
                if at_ms is not None:
                    hours[at_ms // HOUR_MS * HOUR_MS] += 1
            return hours
        since_ms = self._now_ms
        while count > 0 and since_ms < end_ms:
            hour_ms = (since_ms + 1) // HOUR_MS * HOUR_MS
            upto_ms = min(hour_ms + HOUR_MS - 1, end_ms)
            found = min(count, compiled.count(since_ms, upto_ms))
            hours[hour_ms] += found
            count -= found
            since_ms = upto_ms
        return hours

    def _spend(self, nominals: int) -> None:
        if self._worth is not None:
            # What is looked up costs, and so does a schedule that is new.
            self._worth -= nominals + 1
            if self._worth < 0:
                raise _TooMany


def _crowded(before: Counter[int], after: Counter[int]) -> tuple[CrowdedHour, ...]:
    """Hours with a crowd more than before, and far more than an hour of the week has on the average."""
    usual = after.total() * HOUR_MS / WEEK_MS
    days: dict[int, list[tuple[int, int]]] = {}
    for hour_ms, count in after.items():
        if count >= before[hour_ms] + CROWD and count >= _UNEVEN * usual:
            days.setdefault(hour_ms % DAY_MS, []).append((-count, hour_ms))
    fullest = [(*min(found), len(found)) for found in days.values()]
    return tuple(
        CrowdedHour(hour_ms, before[hour_ms], -negative, found)
        for negative, hour_ms, found in sorted(fullest)
    )
