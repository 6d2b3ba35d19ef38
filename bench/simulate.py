"""A day of ten thousand jobs in virtual time, beside plain enumeration of the same instants.

Enumeration asks each schedule for its next instant until the day is over, and does nothing else: what any
simulation has to do at least. The rest is queues, locks, overlap, ends, and the report.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from bench.measure import in_turn, show
from jobboard.core.simulation.load import HOUR_MS, MINUTE_MS, load_of
from jobboard.core.simulation.simulate import Scenario, simulate
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.schedule import compile_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

JOBS = 10_000
SLOTS = 300
GOAL_S = 10
ROUNDS = 3
BEGIN_MS = parse_instant("2026-03-28T00:00:00Z")
END_MS = BEGIN_MS + 24 * HOUR_MS


def board(seed: int = 1) -> dict[str, dict[str, Any]]:
    """Hourly, half-hourly, daily and quarter-hourly jobs; one in ten takes one of fifty locks."""
    draw = random.Random(seed)
    jobs: dict[str, dict[str, Any]] = {}
    for number in range(JOBS):
        kinds: tuple[Mapping[str, Any], ...] = (
            {"cron": f"{number % 60} * * * *"},
            {"cron": f"{number % 60} {number % 24} * * *", "timezone": "Europe/Madrid"},
            {"cron": "*/30 * * * *"},
            {"every": HOUR_MS},
            {"every": 15 * MINUTE_MS, "jitter": MINUTE_MS},
        )
        jobs[f"b/j{number}"] = {"command": {"run": "x"}, "schedule": draw.choice(kinds)}
        if number % 10 == 0:
            jobs[f"b/j{number}"]["locks"] = {f"lock{number % 50}": 1}
    return jobs


def enumerate_all(jobs: Mapping[str, Mapping[str, Any]]) -> int:
    """Every instant of every schedule; how many."""
    count = 0
    for address, spec in jobs.items():
        schedule = compile_schedule(spec["schedule"], address)
        at_ms = schedule.next_after(BEGIN_MS - 1)
        while at_ms is not None and at_ms < END_MS:
            count += 1
            at_ms = schedule.next_after(at_ms)
    return count


def main() -> None:
    """Measure and print."""
    jobs = board()
    fires = enumerate_all(jobs)
    free = Scenario(BEGIN_MS, END_MS, default_ms=20_000)
    tight = Scenario(BEGIN_MS, END_MS, slots=SLOTS, default_ms=20_000)
    bare_s, free_s, tight_s = in_turn(
        [lambda: enumerate_all(jobs), lambda: simulate(jobs, free), lambda: simulate(jobs, tight)], ROUNDS
    )
    print(f"{JOBS:,} jobs, 24 h, {fires:,} instants")
    show("simulated, no limit of slots", free_s, "enumerated", bare_s)
    show(f"simulated, {SLOTS} slots", tight_s, "enumerated", bare_s, f"within {GOAL_S} s")
    simulation = simulate(jobs, tight)
    began = time.perf_counter()
    load = load_of(simulation)
    show("its report", time.perf_counter() - began, "simulated", tight_s)
    waited = sum(wait.count for wait in load.waits)
    print(f"{load.runs:,} runs, {load.count('skipped'):,} skipped, {waited:,} waits")


if __name__ == "__main__":
    main()
