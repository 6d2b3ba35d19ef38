"""What a schedule means that its author may not have meant: warnings, and the errors its texts make."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jobboard.core.diagnostic import Fault
from jobboard.core.times.cron import CronError, compile_cron, has_two_days, resolve_hashes
from jobboard.core.times.crontimes import CronTimes
from jobboard.core.times.duration import format_duration
from jobboard.core.times.instant import format_instant
from jobboard.core.times.schedule import Schedule, compile_schedule, is_seeded, normal_crons, schedule_key
from jobboard.core.times.wallclock import EVERY_WEEKDAY
from jobboard.core.times.zone import UnknownZone, find_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.core.times.schedule import Key
    from jobboard.core.times.wallclock import Cron

# Clock changes further away than this are not warned about: by then the rules may be others.
_AHEAD_MS = 366 * 86_400_000
_EVERY_HOUR = sum(1 << 60 * hour for hour in range(24))


def check_schedule(schedule: Mapping[str, Any], now_ms: int, seed: str = "") -> list[Fault]:
    """What is wrong with a canonical schedule, and what is surprising about it.

    Args:
        schedule: The canonical value; see `core.times.schedule`.
        now_ms: From when on clock changes matter.
        seed: The job's address, for `H`.
    """
    try:
        changes = _changes_ahead(schedule.get("timezone", "UTC"), now_ms)
    except UnknownZone as error:
        return [Fault(("timezone",), str(error), error.hint)]
    return list(_faults(schedule_key(schedule), seed if is_seeded(schedule) else "", changes))


@lru_cache(maxsize=64)
def _changes_ahead(name: str, now_ms: int) -> tuple[int, int]:
    """The first and the last change of a zone's clock that matter."""
    zone = find_zone(name)
    return zone.index_at(now_ms) + 1, zone.index_at(now_ms + _AHEAD_MS)


@lru_cache(maxsize=16_384)
def _faults(key: Key, seed: str, changes: tuple[int, int]) -> tuple[Fault, ...]:
    """What there is to say; the same until the clock changes, however often boards are read till then.

    Args:
        key: The canonical value; see `core.times.schedule.schedule_key`.
        seed: For `H`.
        changes: See `_changes_ahead`.
    """
    schedule = dict(key)
    try:
        compiled = compile_schedule(schedule, seed)
    except CronError as error:
        return (Fault(("cron",), error.message, error.hint),)
    except UnknownZone as error:
        return (Fault(("timezone",), str(error), error.hint),)
    return (*_window_faults(schedule, compiled), *_cron_faults(schedule, seed, changes))


def crowded(schedules: Mapping[str, Mapping[str, Any]], most: int) -> list[Fault]:
    """A warning for each cron expression that more than `most` jobs share, so that they all start at once.

    Args:
        schedules: The canonical schedules by job; a fault's path begins with the job it was noticed at.
        most: How many jobs may start at one minute without a word.
    """
    if len(schedules) <= most:
        return []
    sharing: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for job, schedule in schedules.items():
        if "cron" in schedule and "jitter" not in schedule:
            normal = " + ".join(normal_crons(schedule))
            if "H" not in normal:
                sharing[normal, schedule.get("timezone", "UTC")].append(job)
    return [
        Fault(
            (jobs[most], "cron"),
            f"{len(jobs)} jobs start at the same minutes, {normal} ({zone})",
            "Write H for the minute, or add a jitter, and they spread",
            "warning",
            rule="crowded",
        )
        for (normal, zone), jobs in sharing.items()
        if len(jobs) > most
    ]


def _window_faults(schedule: Mapping[str, Any], compiled: Schedule) -> Iterator[Fault]:
    if compiled.stop_ms <= compiled.start_ms:
        yield Fault(("stop",), "the schedule stops before it starts")
    elif "delay" not in schedule and compiled.next_after(-1) is None:
        kind = next((kind for kind in ("cron", "every", "at", "repeat") if kind in schedule), "start")
        where = "stop" if "stop" in schedule else "start" if "start" in schedule else kind
        message = "the schedule names no instant: the job never runs"
        yield Fault((where,), message, severity="warning", rule="never-runs")
    every_ms, jitter_ms = schedule.get("every"), compiled.jitter_ms
    if every_ms is not None and "decay" not in schedule and jitter_ms > every_ms:
        message = (
            f"a jitter of {format_duration(jitter_ms)} is longer than the interval and is cut down to it"
        )
        hint = f"Write at most {format_duration(every_ms)}"
        yield Fault(("jitter",), message, hint, "warning", rule="long-jitter")


def _cron_faults(schedule: Mapping[str, Any], seed: str, changes: tuple[int, int]) -> Iterator[Fault]:
    """What there is to say of each expression, each thing once."""
    zone, days = find_zone(schedule.get("timezone", "UTC")), schedule.get("days")
    said = set()
    for normal in normal_crons(schedule):
        cron = compile_cron(resolve_hashes(normal, seed), days if has_two_days(normal) else None)
        for fault in _expression_faults(cron, CronTimes(cron, zone), changes):
            if fault not in said:
                said.add(fault)
                yield fault


def _expression_faults(cron: Cron, times: CronTimes, changes: tuple[int, int]) -> Iterator[Fault]:
    if cron.either and cron.weekdays == EVERY_WEEKDAY:
        message = "the weekdays cover every day, so the day of the month means nothing"
        yield Fault(("cron",), message, "Write * for the weekday", "warning", rule="day-ignored")
    if _covers_all_hours(cron):
        if not cron.wild:
            message = "the hours are listed one by one, so none of them follows the clock when it changes"
            yield Fault(("cron",), message, "Write * for the hour", "warning", rule="listed-hours")
        return
    yield from _shift_faults(times, changes)


def _covers_all_hours(cron: Cron) -> bool:
    per_hour = cron.times & ((1 << 60) - 1)
    return cron.times == per_hour * _EVERY_HOUR


def _shift_faults(times: CronTimes, changes: tuple[int, int]) -> Iterator[Fault]:
    """A warning for the first gap and the first fold ahead that the expression falls into."""
    zone, seen = times.zone, set()
    for index in range(changes[0], changes[1] + 1):
        gap = zone.skipped_ms(index)
        span = gap or zone.repeated_ms(index)
        kind = "gap" if gap else "fold"
        if span is None or kind in seen or not times.cron.count_ticks(span[0] // 60_000, span[1] // 60_000):
            continue
        seen.add(kind)
        yield _shift_fault(times, kind, span)


def _shift_fault(times: CronTimes, kind: str, span: tuple[int, int]) -> Fault:
    day, begin, end = _wall_text(span[0])[0], _wall_text(span[0])[1], _wall_text(span[1])[1]
    shown = "skips" if kind == "gap" else "repeats"
    if times.cron.wild:
        effect = "it does not run then" if kind == "gap" else "it runs both times"
    else:
        effect = f"it runs once, at {end}" if kind == "gap" else "it runs the first time only"
    message = f"the clock in {times.zone.name} {shown} {begin} to {end} on {day}: {effect}"
    hint = f"Choose a time outside {begin} to {end}, or `timezone: UTC`, if that matters"
    return Fault(("cron",), message, hint, "warning", rule=f"{kind}-hour")


def _wall_text(wall_ms: int) -> tuple[str, str]:
    """Day and time of day that the wall shows."""
    day, _, clock = format_instant(wall_ms)[:-1].partition("T")
    return day, clock[:5]
