"""Finding instants: next-after of cron expressions, new and cached, beside croniter.

**new**: an expression that was never compiled before, out of fields that were (boards write few different
fields), to its first instant; beside a new croniter's first. **cached**: what a scheduler does for each job,
from the canonical value to the instant; beside a new croniter, which is what it has without a cache, and
beside a croniter that is kept and asked again. Where cronsim can be imported, beside a new one of those too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from croniter import croniter

from jobboard.core.runs import misfire
from jobboard.core.times import cron, schedule
from jobboard.core.times.instant import parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 2_000
ROUNDS = 5
NEW_GOAL, CACHED_GOAL = 5, 20
BEGIN_MS = parse_instant("2026-03-28T01:00:00.123Z")
YEAR_MS = 366 * 86_400_000
CASES = (
    ("*/5 * * * *", "UTC"),
    ("0 * * * *", "UTC"),
    ("30 4 * * *", "UTC"),
    ("0 9 * * 1-5", "Europe/Amsterdam"),
    ("0 0 13 * 5", "Europe/Amsterdam"),
    ("0 0 29 2 *", "Europe/Amsterdam"),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """Microseconds for one instant, ours and croniter's, each new and kept; cronsim's where it is there."""

    new_us: float
    cached_us: float
    croniter_new_us: float
    croniter_kept_us: float
    cronsim_new_us: float | None


def best_us(work: Callable[[], object], calls: int = CALLS) -> float:
    """The best of some rounds, in microseconds for one call."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(calls):
            work()
        times.append(time.perf_counter() - begin)
    return min(times) / calls * 1e6


def forget() -> None:
    """Drop every compiled expression and schedule, so that the next one is new."""
    schedule._compile.cache_clear()  # noqa: SLF001 - a benchmark looks inside
    schedule._cron_times.cache_clear()  # noqa: SLF001 - likewise
    cron.compile_cron.cache_clear()
    cron.normalise_cron.cache_clear()


def measure(expression: str, zone: str) -> Speed:
    """One expression in one zone."""
    value = {"cron": expression, "timezone": zone}
    begin = datetime.fromtimestamp(BEGIN_MS / 1000, ZoneInfo(zone))
    kept = croniter(expression, begin)

    def cached() -> int | None:
        return schedule.compile_schedule(value, "board/job").next_after(BEGIN_MS)

    def new() -> int | None:
        forget()
        return cached()

    return Speed(
        new_us=best_us(new),
        cached_us=best_us(cached),
        croniter_new_us=best_us(lambda: croniter(expression, begin).get_next(datetime), CALLS // 4),
        croniter_kept_us=best_us(lambda: kept.get_next(datetime, start_time=begin), CALLS // 4),
        cronsim_new_us=_cronsim_us(expression, begin),
    )


def _cronsim_us(expression: str, begin: datetime) -> float | None:
    """The same of cronsim, which is no package of ours and may not be there."""
    try:
        simulate = import_module("cronsim").CronSim
    except ImportError:
        return None
    return best_us(lambda: next(simulate(expression, begin)), CALLS // 4)


def main() -> None:
    """Measure and print."""
    print(
        f"  {'us for one instant':32} {'new':>6} {'beside':>14} {'cached':>8} {'beside new':>14} {'kept':>14}"
    )
    speeds = []
    for expression, zone in CASES:
        speed = measure(expression, zone)
        speeds.append(speed)
        new_x, cached_x = speed.croniter_new_us / speed.new_us, speed.croniter_new_us / speed.cached_us
        kept_x = speed.croniter_kept_us / speed.cached_us
        print(
            f"  {expression + ' ' + zone:32} {speed.new_us:6.1f} {speed.croniter_new_us:7.1f} {new_x:4.1f}x "
            f"{speed.cached_us:8.2f} {speed.croniter_new_us:8.1f} {cached_x:4.0f}x "
            f"{speed.croniter_kept_us:8.1f} {kept_x:4.0f}x"
        )
    slowest_new = min(speed.croniter_new_us / speed.new_us for speed in speeds)
    slowest_cached = min(speed.croniter_new_us / speed.cached_us for speed in speeds)
    print(f"  new, at least                    {slowest_new:6.1f}x   goal: {NEW_GOAL}x")
    print(f"  cached, at least                 {slowest_cached:6.1f}x   goal: {CACHED_GOAL}x")
    for speed, (expression, zone) in zip(speeds, CASES, strict=True):
        if (cronsim_us := speed.cronsim_new_us) is not None:
            ratios = f"new {cronsim_us / speed.new_us:4.1f}x, cached {cronsim_us / speed.cached_us:4.0f}x"
            print(f"  {expression + ' ' + zone:32} beside cronsim {cronsim_us:6.1f}: {ratios}")
    _print_cold()
    _print_count()


def _print_cold() -> None:
    """An expression of fields nobody has written yet: croniter reads each of them, five times in all."""
    value = {"cron": "7,41 */3 2-27/5 1-11/2 *"}
    begin = datetime.fromtimestamp(BEGIN_MS / 1000, ZoneInfo("UTC"))

    def cold() -> None:
        forget()
        cron._values.cache_clear()  # noqa: SLF001 - a benchmark looks inside
        cron._normal_field.cache_clear()  # noqa: SLF001 - likewise
        schedule.compile_schedule(value, "board/job").next_after(BEGIN_MS)

    cold_us = best_us(cold, 200)
    theirs_us = best_us(lambda: croniter(value["cron"], begin).get_next(datetime), 200)
    print(f"  new, of fields never seen        {cold_us:6.1f} us beside {theirs_us:.1f}, once per field")


def _print_count() -> None:
    """What a scheduler does after a year of downtime, beside croniter's walk over a day of it."""
    value = {"cron": "* * * * *", "timezone": "Europe/Amsterdam"}
    minutely = schedule.compile_schedule(value, "board/job")
    count_us = best_us(
        lambda: misfire.decide(minutely, BEGIN_MS, BEGIN_MS + YEAR_MS, misfire.Lateness()), 200
    )
    begin = datetime.fromtimestamp(BEGIN_MS / 1000, ZoneInfo("Europe/Amsterdam"))
    end = begin + timedelta(days=1)

    def walk() -> None:
        walker = croniter("* * * * *", begin)
        while walker.get_next(datetime) < end:
            pass

    walk_us = best_us(walk, 1)
    print(f"  527,040 missed minutes counted   {count_us:6.1f} us")
    print(f"  croniter's walk over 1,440       {walk_us:6.0f} us")


if __name__ == "__main__":
    main()
