"""Assertions about boards: when each holds, when it does not, and what it says then."""

from __future__ import annotations

from typing import Any

import pytest

from jobboard.core.simulation.assertion import (
    WEEKDAYS,
    Count,
    EndsBy,
    Failure,
    Fires,
    InTime,
    Never,
    NoOverlap,
    chain_of,
)
from jobboard.core.simulation.simulate import Downtime, Scenario, Simulation, simulate
from jobboard.core.times.instant import parse_instant

MINUTE = 60_000
HOUR = 60 * MINUTE
MADRID = "Europe/Madrid"
T0 = parse_instant("2026-03-28", MADRID)
EVERY_DAY = frozenset(range(len(WEEKDAYS)))


def at(text: str) -> int:
    return parse_instant(text, MADRID)


def job(cron: str | None = None, **more: Any) -> dict[str, Any]:
    timed = {"schedule": {"cron": cron, "timezone": MADRID}} if cron else {}
    return {"command": {"run": "x"}, **timed, **more}


def played(jobs: dict[str, dict[str, Any]], hours: int = 71, **more: Any) -> Simulation:
    """Three days of Madrid, the second of 23 hours."""
    return simulate(jobs, Scenario(T0, T0 + hours * HOUR, **more))


def fires(*texts: str, job: str = "b/a") -> Fires:
    return Fires(job, T0, T0 + 71 * HOUR, sorted(map(at, texts)), MADRID)


def test_fires_at_exactly_these() -> None:
    simulation = played({"b/a": job("30 2 * * *")})
    exactly = ("2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30")
    assert fires(*exactly).judge(simulation) is None
    assert fires(*exactly[:2]).judge(simulation) == Failure(
        "at 2026-03-28 02:30 +01:00, 2026-03-29 03:00 +02:00", "also at 2026-03-30 02:30 +02:00"
    )
    assert fires().judge(simulation) is not None


def test_fires_looks_only_where_it_is_told_to() -> None:
    simulation = played({"b/a": job("0 12 * * *")})
    assert (
        Fires("b/a", at("2026-03-29"), at("2026-03-30"), [at("2026-03-29 12:00")], MADRID).judge(simulation)
        is None
    )
    assert Fires("b/a", at("2026-03-29"), at("2026-03-29 12:00"), [], MADRID).judge(simulation) is None


def test_what_does_not_fire_says_why() -> None:
    simulation = played({"b/a": job("0 * * * *")}, 3, durations={"b/a": 90 * MINUTE})
    failure = fires("2026-03-28 00:00", "2026-03-28 01:00", "2026-03-28 02:00").judge(simulation)
    assert failure is not None
    assert failure.actual == (
        "not at 2026-03-28 01:00 +01:00 (skipped: overlap: b/a@2026-03-27T23:00:00Z has not finished)"
    )


def test_never_at_instants() -> None:
    simulation = played({"b/a": job("30 2 * * *")})
    assert Never("b/a", [at("2026-03-28 03:30")], None, MADRID).judge(simulation) is None
    failure = Never("b/a", [at("2026-03-28 02:30")], None, MADRID).judge(simulation)
    assert failure == Failure("no such run", "runs at 2026-03-28 02:30 +01:00")


@pytest.mark.parametrize(
    ("between", "holds"),
    [((0, 119), True), ((150, 151), False), ((0, 150), True), ((23 * 60, 60), True), ((23 * 60, 151), False)],
)
def test_never_between_times_of_day(between: tuple[int, int], holds: bool) -> None:
    simulation = played({"b/a": job("30 2 * * *")}, 24)
    assert (Never("b/a", [], between, MADRID).judge(simulation) is None) == holds


def test_count_by_whole_days_of_the_zone() -> None:
    simulation = played({"b/a": job("30 * * * *")})
    # The second day has 23 hours.
    assert Count("b/a", "day", 23, 24, MADRID).judge(simulation) is None
    assert Count("b/a", "day", 24, 24, MADRID).judge(simulation) == Failure(
        "24 times", "23 from 2026-03-29 00:00 +01:00"
    )
    assert Count("b/a", "hour", 1, 1, MADRID).judge(simulation) is None
    assert Count("b/a", "all", 71, 71, MADRID).judge(simulation) is None


def test_a_part_of_a_day_is_not_counted_and_none_at_all_fails() -> None:
    jobs = {"b/a": job("30 * * * *")}
    assert Count("b/a", "day", 24, 24, MADRID).judge(played(jobs, 30)) is None
    failure = Count("b/a", "day", 0, None, MADRID).judge(played(jobs, 20))
    assert failure is not None
    assert failure.expected == "a whole day to count in"


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [(1, 1, "1 time"), (2, None, "at least 2 times"), (0, 2, "at most 2 times"), (1, 2, "1 to 2 times")],
)
def test_a_count_in_words(least: int, most: int | None, said: str) -> None:
    assert Count("b/a", "all", least, most, None).title == f"b/a runs {said}"


def test_no_overlap_finds_one_that_began_long_before() -> None:
    jobs = {"b/long": job("0 1 * * *"), "b/short": job("10 1 * * *"), "b/other": job("0 3 * * *")}
    durations = {"b/long": 3 * HOUR, "b/short": MINUTE, "b/other": MINUTE}
    simulation = played(jobs, 24, durations=durations)
    assert NoOverlap(["b/short", "b/other"], MADRID).judge(simulation) is None
    failure = NoOverlap(["b/long", "b/other"], MADRID).judge(simulation)
    assert failure is not None
    assert failure.actual.startswith("b/other runs 2026-03-28 03:00 +01:00 to 2026-03-28 03:01 +01:00, while")


def test_one_that_begins_as_the_other_ends_does_not_overlap() -> None:
    simulation = played({"b/a": job("0 1 * * *"), "b/b": job("1 1 * * *")}, 24)
    assert NoOverlap(["b/a", "b/b"], MADRID).judge(simulation) is None


CHAIN = {
    "b/a": job("0 4 * * *"),
    "b/b": job(after=["b/a"]),
    "b/c": job(after=["b/b"]),
    "b/d": job("0 1 * * *"),
}


def ends_by(minute: int, *jobs: str, days: frozenset[int] = EVERY_DAY) -> EndsBy:
    return EndsBy(jobs or tuple(chain_of("b/a", CHAIN)), minute, days, MADRID, None if jobs else "b/a")


def test_a_chain_is_a_job_and_all_that_run_after_it() -> None:
    assert chain_of("b/a", CHAIN) == ["b/a", "b/b", "b/c"]
    assert chain_of("b/b", CHAIN) == ["b/b", "b/c"]
    assert chain_of("b/d", CHAIN) == ["b/d"]


def test_a_chain_ends_in_time_or_says_which_part_does_not() -> None:
    simulation = played(CHAIN, 24, default_ms=30 * MINUTE)
    assert ends_by(5 * 60 + 30).judge(simulation) is None
    assert ends_by(5 * 60).judge(simulation) == Failure(
        "b/c for 2026-03-28 04:00 +01:00 ended well by 2026-03-28 05:00 +01:00",
        "ended at 2026-03-28 05:30 +01:00",
    )


def test_a_time_before_the_nominal_is_that_of_the_next_day() -> None:
    # The clock goes forward that night: 22:00 and eight hours is 07:00.
    simulation = played({"b/a": job("0 22 * * *")}, 24, default_ms=8 * HOUR)
    assert ends_by(7 * 60, "b/a").judge(simulation) is None
    failure = ends_by(6 * 60, "b/a").judge(simulation)
    assert failure is not None
    assert failure.actual == "ended at 2026-03-29 07:00 +02:00"


def test_a_failed_or_skipped_part_has_not_ended_well() -> None:
    simulation = played(CHAIN, 24, exits={"b/b": [1]})
    failure = ends_by(12 * 60).judge(simulation)
    assert failure is not None
    assert failure.actual == "failed: exit 1"
    (skipped,) = (ends_by(12 * 60, "b/c").judge(simulation),)
    assert skipped is not None
    assert skipped.actual == "skipped: after: b/b failed"


def test_what_never_gets_a_slot_and_what_is_missed_have_not_either() -> None:
    unfinished = ends_by(12 * 60, "b/a").judge(played(CHAIN, 24, slots=0))
    assert unfinished is not None
    assert unfinished.actual == "unfinished: waits for the slots of queue common"
    down = [Downtime(T0 + HOUR, T0 + 23 * HOUR)]
    jobs = {"b/a": job("0 4 * * *", catchup="none")}
    missed = ends_by(12 * 60, "b/a").judge(played(jobs, 24, downtimes=down))
    assert missed is not None
    assert missed.actual == "missed: no scheduler looked in time"


def test_who_was_waited_for_is_said() -> None:
    jobs = {"b/a": job("0 1 * * *", locks={"db": 1}), "b/b": job("1 1 * * *", locks={"db": 1})}
    failure = ends_by(2 * 60, "b/b").judge(played(jobs, 24, durations={"b/a": 2 * HOUR}))
    assert failure is not None
    assert failure.actual.endswith(", having waited for lock db, held by b/a")
    failure = ends_by(2 * 60, "b/b").judge(
        played({**jobs, "b/b": job("1 1 * * *")}, 24, slots=1, default_ms=2 * HOUR)
    )
    assert failure is not None
    assert failure.actual.endswith(", having waited for a slot of common")


def test_only_the_days_that_matter_matter_and_one_has_to() -> None:
    simulation = played({"b/a": job("0 4 * * 6", locks={})}, default_ms=5 * HOUR)
    assert ends_by(5 * 60, "b/a").judge(simulation) is not None
    sundays = ends_by(5 * 60, "b/a", days=frozenset({6}))
    assert sundays.judge(simulation) == Failure("a run to end by 05:00", "there is none in the simulation")
    assert sundays.title == "b/a ends by 05:00 on sun"


def test_every_assertion_says_what_it_asserts() -> None:
    assert fires("2026-03-28").title == "b/a fires exactly 1 time from 2026-03-28 00:00 +01:00"
    assert fires().title == "b/a never fires from 2026-03-28 00:00 +01:00"
    assert Never("b/a", [], (480, 1200), None).title == "b/a never fires between 08:00 and 20:00"
    assert Never("b/a", [T0], None, MADRID).title == "b/a never fires at 2026-03-28 00:00 +01:00"
    assert NoOverlap(["b/a", "b/b", "b/c"], None).title == "b/a, b/b and b/c never overlap"
    assert ends_by(360).title == "the chain of b/a ends by 06:00"


BOUND = {
    "b/load": job("0 3 * * *", finish_by=HOUR),
    "b/poll": job("0 * * * *", start_within=20 * MINUTE, locks={"disk": 1}),
    "b/long": job("0 5 * * *", locks={"disk": 1}, priority=1),
}


def test_in_time_starts_and_ends_by_the_deadlines() -> None:
    simulation = played(BOUND, 24, durations={"b/load": HOUR, "b/poll": MINUTE, "b/long": 19 * MINUTE})
    assert InTime(["b/load", "b/poll"], MADRID).judge(simulation) is None
    assert InTime(["b/load", "b/poll"], MADRID).title == "b/load and b/poll are in time"
    assert InTime(["b/load"], MADRID).title == "b/load is in time"


def test_in_time_says_which_was_late_first() -> None:
    simulation = played(BOUND, 24, durations={"b/load": 61 * MINUTE, "b/poll": MINUTE, "b/long": HOUR})
    assert InTime(["b/poll", "b/load"], MADRID).judge(simulation) == Failure(
        "b/load for 2026-03-28 03:00 +01:00 over by 2026-03-28 04:00 +01:00",
        "ended at 2026-03-28 04:01 +01:00",
    )
    assert InTime(["b/poll"], MADRID).judge(simulation) == Failure(
        "b/poll for 2026-03-28 05:00 +01:00 started in time", "not started in time"
    )


def test_in_time_knows_what_was_called_off_and_what_never_began() -> None:
    jobs = {"b/load": job("0 3 * * *", finish_by=HOUR, on_late="cancel")}
    failure = InTime(["b/load"], MADRID).judge(played(jobs, 24, durations={"b/load": 2 * HOUR}))
    assert failure is not None
    assert failure.actual == "cancelled by finish_by"
    del jobs["b/load"]["on_late"]
    failure = InTime(["b/load"], MADRID).judge(played(jobs, 24, slots=0))
    assert failure is not None
    assert failure.actual == "unfinished: waits for the slots of queue common"
