"""The kinds of schedule besides a cron expression: an instant, a first one, and ten years counted.

Their reference is the walk from instant to instant that the count saves.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.instants import BEGIN_MS, YEAR_MS, best_us, forget
from jobboard.core.times.schedule import Schedule, compile_schedule

WALKED = 2_000
TEN_YEARS_MS = 10 * YEAR_MS
ZONE = "Europe/Amsterdam"
WEEKENDS = "* * * * 0,6"
KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("two expressions", {"cron": ["*/5 18-20 * * *", "0 9 * * 1-5"], "timezone": ZONE}),
    ("seconds", {"cron": "*/10 * 9-17 * * 1-5", "seconds": True, "timezone": ZONE}),
    ("every 3m5s", {"every": 185_000, "phase": 0}),
    (
        "decay, hourly steps",
        {
            "every": 5_000,
            "start": BEGIN_MS,
            "decay": {"factor": 1.0001, "step": 3_600_000, "max": 86_400_000},
        },
    ),
    ("R/.../P1M", {"repeat": "R/2013-01-31T02:00:00Z/P1M", "timezone": ZONE}),
    (
        "cron less weekends and days",
        {
            "cron": "*/5 * * * *",
            "timezone": ZONE,
            "exclude": ["2026-12-24T23:00:00Z/2026-12-26T23:00:00Z", WEEKENDS],
        },
    ),
    (
        "interval, weekends put off",
        {"every": 185_000, "phase": 0, "timezone": ZONE, "exclude": [WEEKENDS], "on_exclude": "defer"},
    ),
)


def _first(value: dict[str, Any]) -> int | None:
    forget()
    return compile_schedule(value, "board/job").next_after(BEGIN_MS)


def _walk(compiled: Schedule) -> int:
    """How many of the first instants there are."""
    at_ms, seen = compiled.next_after(BEGIN_MS), 0
    while at_ms is not None and at_ms <= BEGIN_MS + TEN_YEARS_MS and seen < WALKED:
        at_ms, seen = compiled.next_after(at_ms), seen + 1
    return seen


def main() -> None:
    """Measure and print; a long walk is reckoned from its first steps."""
    print(f"  {'':28} {'instant':>10} {'first':>12} {'ten years':>12} {'walked':>14}")
    for name, value in KINDS:
        compiled = compile_schedule(value, "board/job")
        total = compiled.count(BEGIN_MS, BEGIN_MS + TEN_YEARS_MS)
        instant_us = best_us(partial(compiled.next_after, BEGIN_MS + YEAR_MS), 500)
        count_us = best_us(partial(compiled.count, BEGIN_MS, BEGIN_MS + TEN_YEARS_MS), 1)
        walk_us = best_us(partial(_walk, compiled), 1) * total / _walk(compiled)
        print(
            f"  {name:28} {instant_us:7.1f} us {best_us(partial(_first, value), 3):9.1f} us "
            f"{count_us / 1000:9.2f} ms {walk_us / 1000:11.1f} ms   {total:,} instants"
        )


if __name__ == "__main__":
    main()
