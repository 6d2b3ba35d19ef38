"""What a plan says of the coming week, against a walk from one nominal to the next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobboard.core.jobs.model import Definition
from jobboard.core.plans.change import JobChange
from jobboard.core.plans.crowding import (
    CHANGED,
    DAY_MS,
    HOUR_MS,
    WORTH,
    clock_faults,
    starts_by_hour,
    week_ahead,
)
from jobboard.core.plans.forecast import WEEK_MS
from jobboard.core.times.schedule import compile_schedule

if TYPE_CHECKING:
    from jobboard.core.plans.change import Action

NOW = 1_795_262_400_000  # Saturday, 2026-11-21T12:00:00Z
MADRID_CHANGES = 1_805_850_000_000 - 2 * DAY_MS  # two days before 2027-03-28
MINUTE_MS = 60_000
YEAR_MS = 366 * DAY_MS


def job(**schedule: Any) -> dict[str, Any]:
    return {"command": {"run": "x"}, "schedule": schedule}


def changed(address: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> JobChange:
    held = None if before is None else Definition(1, 1, 1, before, before)
    action: Action = "add" if held is None else "destroy" if after is None else "change"
    return JobChange(address, action, held, after, after)


def walked(address: str, spec: dict[str, Any], now_ms: int) -> Counter[int]:
    """Nominals by the hour, found one after another."""
    schedule = compile_schedule(spec["schedule"], address)
    found: Counter[int] = Counter()
    at_ms = schedule.next_after(now_ms)
    while at_ms is not None and at_ms <= now_ms + WEEK_MS:
        found[at_ms // HOUR_MS * HOUR_MS] += 1
        at_ms = schedule.next_after(at_ms)
    return found


CRONS = st.sampled_from(
    ["0 2 * * *", "30 2 * * 0", "*/5 * * * *", "H H * * *", "0 9-17 * * 1-5", "15,45 */3 * * *", "0 0 1 1 *"]
)
ZONES = st.sampled_from(["UTC", "Europe/Madrid", "Asia/Kolkata", "America/St_Johns"])
SCHEDULES = st.builds(lambda cron, zone: {"cron": cron, "timezone": zone}, CRONS, ZONES) | st.builds(
    lambda every, phase: {"every": every * 1000, "phase": phase},
    st.integers(60, 200_000),
    st.integers(0, 60_000),
)


@settings(max_examples=60)
@given(SCHEDULES, st.integers(0, 2 * WEEK_MS))
def test_an_hour_has_as_many_as_a_walk_finds(schedule: dict[str, Any], ahead_ms: int) -> None:
    now_ms = MADRID_CHANGES + ahead_ms - WEEK_MS
    assert starts_by_hour("ops/a", job(**schedule), now_ms) == walked("ops/a", job(**schedule), now_ms)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.none() | SCHEDULES, st.none() | SCHEDULES), min_size=1, max_size=12))
def test_before_and_after_are_what_a_walk_over_all_jobs_finds(
    pairs: list[tuple[dict[str, Any] | None, dict[str, Any] | None]],
) -> None:
    live = {f"ops/j{n}": job(**before) for n, (before, _) in enumerate(pairs) if before is not None}
    live["ops/other"] = job(cron="*/30 2 * * *")
    after = {f"ops/j{n}": job(**spec) for n, (_, spec) in enumerate(pairs) if spec is not None}
    addresses = sorted({*live, *after} - {"ops/other"})
    changes = [changed(address, live.get(address), after.get(address)) for address in addresses]
    ahead = week_ahead(changes, live, NOW)
    assert ahead is not None
    before_hours = sum((walked(a, s, NOW) for a, s in live.items()), Counter())
    others = walked("ops/other", live["ops/other"], NOW)
    after_hours = sum((walked(a, s, NOW) for a, s in after.items()), others)
    assert ahead.before * 7 == pytest.approx((before_hours - others).total())
    assert ahead.after * 7 == pytest.approx((after_hours - others).total())
    assert ahead.all_jobs
    assert ahead.jobs == len({*live, *after})
    for hour in ahead.crowded:
        assert hour.before == before_hours[hour.from_ms]
        assert hour.after == after_hours[hour.from_ms] >= hour.before + 10


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ({"every": 60_000}, 1440),
        ({"cron": "* * * * *"}, 1440),
        ({"cron": "0 2 * * *"}, 1),
        ({"cron": "0 2 * * 1"}, 1 / 7),
        ({"cron": "0 2 1 1 *"}, 0),
        ({"every": HOUR_MS, "start": NOW, "stop": NOW + DAY_MS}, 23 / 7),
        ({"at": [NOW + HOUR_MS, NOW + 8 * DAY_MS]}, 1 / 7),
        ({"cron": "0 2 * * *", "jitter": HOUR_MS}, 1),
        ({"every": 60_000, "runs": 700}, 100),
        ({"cron": "0 2 * * *", "runs": 3}, 3 / 7),
    ],
)
def test_how_often_a_day(schedule: dict[str, Any], runs: float) -> None:
    ahead = week_ahead([changed("ops/a", None, job(**schedule))], None, NOW)
    assert ahead is not None
    assert ahead.before == 0
    assert ahead.after == pytest.approx(runs)


@pytest.mark.parametrize("spec", [{"command": {"run": "x"}}, {**job(cron="0 2 * * *"), "enabled": False}])
def test_what_does_not_fire_counts_nothing(spec: dict[str, Any]) -> None:
    assert not starts_by_hour("ops/a", spec, NOW)
    assert not clock_faults("ops/a", spec, NOW)


def test_an_hour_is_crowded_by_ten_more_than_before_where_others_are_not() -> None:
    def ahead(moved: int, there: int) -> Any:
        live = {f"ops/there{n}": job(cron="0 2 * * *") for n in range(there)}
        came = [changed(f"ops/new{n}", None, job(cron=f"{n} 2 * * *")) for n in range(moved)]
        return week_ahead(came, live, NOW)

    assert ahead(9, 50).crowded == ()
    (hour,) = ahead(12, 50).crowded
    assert (hour.before, hour.after, hour.days) == (50, 62, 7)
    assert hour.from_ms == NOW + 14 * HOUR_MS
    everywhere = [changed("ops/new", None, job(cron="* * * * *"))]
    even = week_ahead(everywhere, {}, NOW)
    assert even is not None
    assert even.crowded == ()


def test_a_job_that_moves_takes_its_runs_along() -> None:
    spec = job(cron="0 2 * * *")
    held = Definition(1, 1, 1, spec, spec)
    ahead = week_ahead([JobChange("b/new", "move", held, spec, spec, source="a/old")], {"a/old": spec}, NOW)
    assert ahead is not None
    assert (ahead.before, ahead.after, ahead.crowded) == (1, 1, ())


def test_what_takes_too_long_is_not_counted() -> None:
    jobs = WORTH // (7 * 24 + 1)
    some = [changed(f"ops/j{n}", None, job(every=HOUR_MS)) for n in range(jobs + 1)]
    found = week_ahead(some[:jobs], None, NOW)
    assert found is not None
    assert found.after == jobs * 24
    assert week_ahead(some, None, NOW) is None


def test_thousands_that_fire_at_the_same_instants_are_counted_as_one() -> None:
    some = [changed(f"ops/j{n}", None, job(cron="0 2 * * *")) for n in range(CHANGED + 1)]
    found = week_ahead(some[:CHANGED], None, NOW)
    assert found is not None
    assert (found.after, found.crowded[0].after, found.all_jobs) == (CHANGED, CHANGED, False)
    assert week_ahead(some, None, NOW) is None
    assert week_ahead(some[1:], None, NOW) is not None


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "30 1 * * *", "0 12 * * *", "15 2 * * 3"])
def test_a_clock_change_is_told_where_a_walk_through_the_year_meets_one(cron: str, zone: str) -> None:
    spec = job(cron=cron, timezone=zone)
    schedule = compile_schedule(spec["schedule"], "ops/a")
    met, at_ms = set(), schedule.next_after(NOW)
    while at_ms is not None and at_ms <= NOW + YEAR_MS:
        met.add(schedule.shift_at(at_ms))
        at_ms = schedule.next_after(at_ms)
    told = {fault.rule.removesuffix("-hour") for fault in clock_faults("ops/a", spec, NOW)}
    assert told == met - {None}
