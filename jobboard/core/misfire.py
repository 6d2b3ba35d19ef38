"""What to do about the nominals that are due: which one runs now, and which ones were missed.

A nominal is **late** once its due instant is more than `LATE_AFTER_MS` ago. One that is due and not late
just runs. Late ones are missed, but for the newest under ``catchup: last``, which still runs, however old it
is, as long as the nominal after it is not due yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobboard.core.schedule import Schedule

LATE_AFTER_MS = 60_000


@dataclass(frozen=True, slots=True)
class Missed:
    """Consecutive nominals that do not run: how many, the first and the last."""

    count: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from the clock.

    Attributes:
        nominal_ms: The nominal that runs now; None if none does.
        missed: What is passed over before it; None if nothing is.
        cursor_ms: The cursor to keep: the newest nominal that has been decided.
        next_due_ms: When to look again; it may lie in the past, as several nominals can be due without
            being late. None if no nominal is left.
    """

    nominal_ms: int | None
    missed: Missed | None
    cursor_ms: int
    next_due_ms: int | None


def decide(
    schedule: Schedule, cursor_ms: int, now_ms: int, catchup: str, late_after_ms: int = LATE_AFTER_MS
) -> Decision:
    """What to do at `now_ms` with the nominals after the cursor.

    Args:
        schedule: The job's schedule.
        cursor_ms: Every nominal up to and including it has been decided.
        now_ms: The store's clock.
        catchup: ``last`` or ``none``.
        late_after_ms: How long after its due instant a nominal is late.
    """
    first_ms = schedule.next_after(cursor_ms)
    if first_ms is None or schedule.due(first_ms) > now_ms:
        return _decision(schedule, None, None, cursor_ms)
    newest_late_ms = _newest_late(schedule, first_ms, now_ms - late_after_ms)
    if newest_late_ms is None:
        return _decision(schedule, first_ms, None, first_ms)
    timely_ms = schedule.next_after(newest_late_ms)
    if timely_ms is not None and schedule.due(timely_ms) <= now_ms:
        return _decision(schedule, timely_ms, _missed(schedule, first_ms, newest_late_ms), timely_ms)
    if catchup == "none":
        return _decision(schedule, None, _missed(schedule, first_ms, newest_late_ms), newest_late_ms)
    before_ms = schedule.prev_at(newest_late_ms - 1)
    missed = None if before_ms is None or before_ms < first_ms else _missed(schedule, first_ms, before_ms)
    return _decision(schedule, newest_late_ms, missed, newest_late_ms)


def _newest_late(schedule: Schedule, first_ms: int, limit_ms: int) -> int | None:
    """The newest nominal from the first on whose due instant lies before a limit."""
    found_ms = schedule.prev_at(limit_ms)
    if found_ms is not None and schedule.due(found_ms) >= limit_ms:
        found_ms = schedule.prev_at(found_ms - 1)
    return found_ms if found_ms is not None and found_ms >= first_ms else None


def _missed(schedule: Schedule, first_ms: int, last_ms: int) -> Missed:
    return Missed(schedule.count(first_ms - 1, last_ms), first_ms, last_ms)


def _decision(schedule: Schedule, nominal_ms: int | None, missed: Missed | None, cursor_ms: int) -> Decision:
    next_ms = schedule.next_after(cursor_ms)
    return Decision(nominal_ms, missed, cursor_ms, None if next_ms is None else schedule.due(next_ms))
