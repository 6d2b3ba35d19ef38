"""What to do about the nominals that are due: which one runs now, and which ones were missed.

A nominal is **late** once its due instant is longer ago than its job allows, a minute by default. One that is
due and not late just runs. Late ones are missed, but for the newest under ``catchup: last``, which still
runs, however old it is, as long as the nominal after it is not due yet; and under ``catchup: all`` for the
newest hundred of those that are not older than a window, which all run, one after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from jobboard.core.jobs.model import effective

if TYPE_CHECKING:
    from jobboard.core.jobs.model import Spec
    from jobboard.core.times.schedule import Schedule

LATE_AFTER_MS = 60_000
WINDOW_MS = 86_400_000
MOST_CAUGHT_UP = 100
UNSEEN = "no scheduler looked in time"
TOO_OLD = "too old, or too many, to be caught up"


class Lateness(NamedTuple):
    """What a job says about being late.

    Attributes:
        catchup: ``last``, ``none`` or ``all``.
        late_after_ms: How long after its due instant a nominal is late.
        window_ms: How old a nominal may be for ``all`` to catch it up.
    """

    catchup: str = "last"
    late_after_ms: int = LATE_AFTER_MS
    window_ms: int = WINDOW_MS


def lateness_of(spec: Spec) -> Lateness:
    """What a definition says about being late."""
    return Lateness(
        effective(spec, "catchup"), effective(spec, "late_after"), effective(spec, "catchup_window")
    )


@dataclass(frozen=True, slots=True)
class Missed:
    """Consecutive nominals that do not run: how many, the first and the last, and why."""

    count: int
    first_ms: int
    last_ms: int
    reason: str = UNSEEN


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from the clock.

    Attributes:
        nominal_ms: The nominal that runs now; None if none does.
        missed: What is passed over before it; None if nothing is.
        cursor_ms: The cursor to keep: the newest nominal that has been decided.
        next_due_ms: When to look again; it may lie in the past, as several nominals can be due without
            being late. None if no nominal is left.
        backlog_ms: Missed nominals that run all the same, before `nominal_ms` and oldest first.
    """

    nominal_ms: int | None
    missed: Missed | None
    cursor_ms: int
    next_due_ms: int | None
    backlog_ms: tuple[int, ...] = ()


def decide(schedule: Schedule, cursor_ms: int, now_ms: int, lateness: Lateness) -> Decision:
    """What to do at `now_ms` with the nominals after the cursor.

    Args:
        schedule: The job's schedule.
        cursor_ms: Every nominal up to and including it has been decided.
        now_ms: The store's clock.
        lateness: What the job says about being late.
    """
    first_ms = schedule.next_after(cursor_ms)
    if first_ms is None or schedule.due(first_ms) > now_ms:
        return _decision(schedule, None, None, cursor_ms)
    newest_late_ms = _newest_late(schedule, first_ms, now_ms - lateness.late_after_ms)
    if newest_late_ms is None:
        return _decision(schedule, first_ms, None, first_ms)
    if lateness.catchup == "all":
        return _catch_up(schedule, first_ms, newest_late_ms, now_ms, lateness.window_ms)
    timely_ms = schedule.next_after(newest_late_ms)
    if timely_ms is not None and schedule.due(timely_ms) <= now_ms:
        return _decision(schedule, timely_ms, _missed(schedule, first_ms, newest_late_ms), timely_ms)
    if lateness.catchup == "none":
        return _decision(schedule, None, _missed(schedule, first_ms, newest_late_ms), newest_late_ms)
    before_ms = schedule.prev_at(newest_late_ms - 1)
    missed = None if before_ms is None or before_ms < first_ms else _missed(schedule, first_ms, before_ms)
    return _decision(schedule, newest_late_ms, missed, newest_late_ms)


def _catch_up(
    schedule: Schedule, first_ms: int, newest_late_ms: int, now_ms: int, window_ms: int
) -> Decision:
    """Run what was missed and is neither too old nor too much, and after it what is due and not late."""
    backlog_ms: list[int] = []
    found_ms: int | None = newest_late_ms
    while found_ms is not None and found_ms >= first_ms:
        if found_ms < now_ms - window_ms or len(backlog_ms) == MOST_CAUGHT_UP:
            break
        backlog_ms.append(found_ms)
        found_ms = schedule.prev_at(found_ms - 1)
    backlog_ms.reverse()
    dropped_ms = found_ms if found_ms is not None and found_ms >= first_ms else None
    missed = None if dropped_ms is None else _missed(schedule, first_ms, dropped_ms, TOO_OLD)
    timely_ms = schedule.next_after(newest_late_ms)
    if timely_ms is not None and schedule.due(timely_ms) > now_ms:
        timely_ms = None
    cursor_ms = newest_late_ms if timely_ms is None else timely_ms
    return _decision(schedule, timely_ms, missed, cursor_ms, tuple(backlog_ms))


def _newest_late(schedule: Schedule, first_ms: int, limit_ms: int) -> int | None:
    """The newest nominal from the first on whose due instant lies before a limit."""
    found_ms = schedule.prev_at(limit_ms)
    if found_ms is not None and schedule.due(found_ms) >= limit_ms:
        found_ms = schedule.prev_at(found_ms - 1)
    return found_ms if found_ms is not None and found_ms >= first_ms else None


def _missed(schedule: Schedule, first_ms: int, last_ms: int, reason: str = UNSEEN) -> Missed:
    return Missed(schedule.count(first_ms - 1, last_ms), first_ms, last_ms, reason)


def _decision(
    schedule: Schedule,
    nominal_ms: int | None,
    missed: Missed | None,
    cursor_ms: int,
    backlog_ms: tuple[int, ...] = (),
) -> Decision:
    next_ms = schedule.next_after(cursor_ms)
    next_due_ms = None if next_ms is None else schedule.due(next_ms)
    return Decision(nominal_ms, missed, cursor_ms, next_due_ms, backlog_ms)
