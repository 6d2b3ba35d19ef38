"""`core.times.schedule`: intervals, lists, windows, jitter; next and previous are each other's inverse."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.cron import random_expression

from jobboard.core.times.cron import CronError
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.schedule import Schedule, compile_schedule
from jobboard.core.times.zone import UnknownZone

HOUR_MS = 3_600_000
START_MS = parse_instant("2026-03-01")
ZONES = ("UTC", "Europe/Madrid", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca")

INSTANTS = st.integers(0, parse_instant("2199-01-01"))
INTERVALS = st.builds(
    lambda every, extra: {"every": every, **extra},
    st.integers(1, 40 * 86_400_000),
    st.one_of(st.just({}), st.fixed_dictionaries({"phase": st.integers(0, 10**9)})),
)
LISTS = st.lists(INSTANTS, min_size=1, max_size=5, unique=True).map(lambda at: {"at": sorted(at)})
CRONS = st.builds(
    lambda number, zone: {"cron": random_expression(random.Random(number)).text, "timezone": zone},
    st.integers(0, 10**6),
    st.sampled_from(ZONES),
)
CRON_LISTS = st.builds(
    lambda numbers, second, zone: {
        "cron": [f"{second}{random_expression(random.Random(number)).text}" for number in numbers],
        "timezone": zone,
        **({"seconds": True} if second else {}),
    },
    st.lists(st.integers(0, 10**6), min_size=2, max_size=3),
    st.sampled_from(["", "", "30 ", "*/20 ", "7-9 "]),
    st.sampled_from(ZONES),
)
DECAYS = st.builds(
    lambda every, start, factor, step: {
        "every": every,
        "start": start,
        "decay": {"factor": factor, "step": step, "min": every // 3 + 1, "max": every * 50},
    },
    st.integers(1000, 86_400_000),
    INSTANTS,
    st.sampled_from([0.5, 0.9, 1.1, 2, 7]),
    st.integers(1000, 10**9),
)
REPEATS = st.builds(
    lambda start, span, count, zone: {"repeat": f"R{count}/{format_instant(start)}/{span}", "timezone": zone},
    INSTANTS,
    st.sampled_from(["P1M", "P1D", "P1W", "P1Y", "PT1M", "P1M3DT5M", "PT0.5S", "P2M"]),
    st.sampled_from(["", "", "4", "1000"]),
    st.sampled_from(ZONES),
)
# Days and parts of days: what leaves out every other minute of two centuries takes long to count.
EXCLUSIONS = st.lists(
    st.sampled_from(["* * 25 12 *", "* * * * 0,6", "* 9-17 * * 1-5", "0-29 2 * * *", "* 0-5,22-23 1-15 * *"])
    | st.builds(
        lambda at, span: f"{format_instant(at)}/{format_instant(at + span)}",
        INSTANTS,
        st.integers(1, 40 * 86_400_000),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    value: dict[str, Any] = dict(draw(st.one_of(INTERVALS, LISTS, CRONS, CRON_LISTS, DECAYS, REPEATS)))
    if draw(st.booleans()):
        value["jitter"] = draw(st.integers(1, 86_400_000))
        if draw(st.booleans()):
            value["jitter"] = {"max": value["jitter"], "per": "run"}
    if "decay" not in value and draw(st.booleans()):
        value["start"] = draw(INSTANTS)
    if draw(st.booleans()):
        value["exclude"] = draw(EXCLUSIONS)
        if draw(st.booleans()):
            value["on_exclude"] = "defer"
    if draw(st.booleans()):
        value["stop"] = value.get("start", 0) + draw(st.integers(1, 400 * 86_400_000))
    return compile_schedule(value, draw(st.sampled_from(["a/b", "ops/backup"])))


@settings(max_examples=600)
@given(schedules(), INSTANTS)
def test_next_and_previous_are_inverse(schedule: Schedule, at_ms: int) -> None:
    following, latest = schedule.next_after(at_ms), schedule.prev_at(at_ms)
    if following is not None:
        assert following > at_ms
        assert schedule.prev_at(following) == following
        assert schedule.prev_at(following - 1) == latest
        assert schedule.count(at_ms, following) == 1
        assert schedule.count(at_ms, following - 1) == 0
    if latest is not None:
        assert latest <= at_ms
        assert schedule.next_after(latest) == following
        assert schedule.next_after(latest - 1) == latest
        assert schedule.count(latest - 1, at_ms) == 1


@settings(max_examples=300)
@given(schedules(), INSTANTS)
def test_due_lies_between_a_nominal_and_the_next(schedule: Schedule, at_ms: int) -> None:
    nominal = schedule.next_after(at_ms)
    if nominal is None:
        return
    due, following = schedule.due(nominal), schedule.next_after(nominal)
    assert nominal <= due <= nominal + schedule.jitter_ms
    assert following is None or due < following


@settings(max_examples=100)
@given(schedules(), INSTANTS, st.integers(0, 60))
def test_counting_agrees_with_enumerating(schedule: Schedule, begin_ms: int, steps: int) -> None:
    at_ms: int | None = begin_ms
    last_ms = begin_ms
    counted = 0
    for _ in range(steps):
        assert at_ms is not None
        at_ms = schedule.next_after(at_ms)
        if at_ms is None:
            break
        last_ms, counted = at_ms, counted + 1
    assert schedule.count(begin_ms, last_ms) == counted


def test_an_interval_is_anchored_at_its_start() -> None:
    schedule = compile_schedule({"every": 185_000, "start": START_MS}, "a/b")
    assert schedule.next_after(0) == START_MS
    assert schedule.next_after(START_MS) == START_MS + 185_000
    assert schedule.prev_at(START_MS - 1) is None
    assert schedule.prev_at(START_MS + 10**9) == START_MS + 10**9 // 185_000 * 185_000


def test_an_interval_without_a_start_has_a_phase_of_its_own() -> None:
    first = compile_schedule({"every": HOUR_MS}, "a/one").next_after(0)
    second = compile_schedule({"every": HOUR_MS}, "a/two").next_after(0)
    assert first is not None
    assert first != second
    assert first % 1000 == 0
    phases = {compile_schedule({"every": 1_500}, str(n)).next_after(0) for n in range(300)}
    assert len(phases) > 200


def test_a_phase_aligns() -> None:
    assert compile_schedule({"every": HOUR_MS, "phase": 0}, "a/b").next_after(0) == HOUR_MS
    assert compile_schedule({"every": HOUR_MS, "phase": 60_000}, "a/b").next_after(0) == 60_000


def test_a_day_of_elapsed_time_does_not_follow_the_clock() -> None:
    begin = parse_instant("2026-03-28 12:00", "Europe/Madrid")
    schedule = compile_schedule({"every": 86_400_000, "start": begin}, "a/b")
    assert schedule.next_after(begin) == parse_instant("2026-03-29 13:00", "Europe/Madrid")


def test_a_list_of_instants() -> None:
    schedule = compile_schedule({"at": [3_000, 1_000, 3_000]}, "a/b")
    assert [schedule.next_after(at_ms) for at_ms in (0, 1_000, 3_000)] == [1_000, 3_000, None]
    assert [schedule.prev_at(at_ms) for at_ms in (999, 1_000, 9_000)] == [None, 1_000, 3_000]


def test_start_is_inclusive_and_stop_exclusive() -> None:
    value = {"cron": "0 * * * *", "start": START_MS, "stop": START_MS + 2 * HOUR_MS}
    schedule = compile_schedule(value, "a/b")
    assert schedule.next_after(0) == START_MS
    assert schedule.next_after(START_MS) == START_MS + HOUR_MS
    assert schedule.next_after(START_MS + HOUR_MS) is None
    assert schedule.prev_at(START_MS + 10 * HOUR_MS) == START_MS + HOUR_MS
    assert schedule.prev_at(START_MS - 1) is None
    assert schedule.count(0, START_MS + 10 * HOUR_MS) == 2


def test_every_three_minutes_five_seconds_for_one_hour() -> None:
    value = {"every": 185_000, "start": START_MS, "stop": START_MS + HOUR_MS}
    assert compile_schedule(value, "a/b").count(0, START_MS + 10 * HOUR_MS) == 20


def test_jitter_is_stable_spreads_and_leaves_the_nominal() -> None:
    value = {"cron": "0 * * * *", "jitter": 600_000}
    lateness = {compile_schedule(value, f"a/job-{n}").due(START_MS) - START_MS for n in range(200)}
    assert len(lateness) == 200
    assert min(lateness) < 60_000
    assert 540_000 < max(lateness) < 600_000
    one = compile_schedule(value, "a/b")
    assert one.next_after(START_MS - 1) == START_MS
    assert one.due(START_MS + HOUR_MS) - HOUR_MS == one.due(START_MS)


def test_jitter_of_each_run_is_another_and_stays() -> None:
    value = {"cron": "0 * * * *", "jitter": {"max": 600_000, "per": "run"}}
    schedule = compile_schedule(value, "a/b")
    nominals = [START_MS + n * HOUR_MS for n in range(200)]
    lateness = [schedule.due(at_ms) - at_ms for at_ms in nominals]
    assert len(set(lateness)) > 190
    assert 540_000 < max(lateness) < 600_000
    assert min(lateness) < 60_000
    assert [compile_schedule(value, "a/b").due(at_ms) - at_ms for at_ms in nominals] == lateness
    assert compile_schedule(value, "a/c").due(START_MS) != schedule.due(START_MS)


def test_jitter_longer_than_the_interval_still_spreads_over_it() -> None:
    schedule = [
        compile_schedule({"every": 1000, "phase": 0, "jitter": 86_400_000}, str(n)) for n in range(200)
    ]
    lateness = {each.due(5_000) - 5_000 for each in schedule}
    assert max(lateness) < 1000
    assert len(lateness) > 150


def test_equal_schedules_are_compiled_once_and_share_their_instants() -> None:
    first = compile_schedule({"cron": "0 3 * * *", "timezone": "Europe/Madrid"}, "a/one")
    assert compile_schedule({"timezone": "Europe/Madrid", "cron": "0 3 * * *"}, "a/two") is first
    jittered = compile_schedule({"cron": "0 3 * * *", "timezone": "Europe/Madrid", "jitter": 5}, "a/two")
    assert jittered is not first
    assert jittered.nominals is first.nominals


def test_hashed_fields_depend_on_the_seed() -> None:
    first = compile_schedule({"cron": "H H * * *"}, "a/one").next_after(0)
    assert first != compile_schedule({"cron": "H H * * *"}, "a/two").next_after(0)
    assert first == compile_schedule({"cron": "H H * * *"}, "a/one").next_after(0)


def test_runs_is_not_the_schedule_s_to_count() -> None:
    counted = compile_schedule({"every": 1000, "phase": 0, "runs": 1}, "a/b")
    assert counted.next_after(1000) == 2000


def test_errors_are_the_expression_s_and_the_zone_s() -> None:
    with pytest.raises(CronError):
        compile_schedule({"cron": "* * *"}, "a/b")
    with pytest.raises(UnknownZone):
        compile_schedule({"cron": "* * * * *", "timezone": "Mars"}, "a/b")


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Pacific/Kiritimati", "Asia/Tokyo"])
@pytest.mark.parametrize("cron", ["0 * * * *", "0 0-23 * * *", "0 23 31 12 *", "0 0 1 1 *"])
def test_everything_begins_with_1970(zone: str, cron: str) -> None:
    schedule = compile_schedule({"cron": cron, "timezone": zone}, "a/b")
    first = schedule.next_after(-(10**12))
    assert first is not None
    assert first >= 0
    assert schedule.prev_at(first) == first
    assert schedule.prev_at(first - 1) is None


def test_everything_ends_with_the_calendar() -> None:
    end_ms = parse_instant("2201-01-01")
    for value in ({"cron": "* * * * *"}, {"every": 1000}, {"cron": "0 0 * * *", "timezone": "Europe/Madrid"}):
        assert compile_schedule(value, "a/b").next_after(end_ms) is None
        latest = compile_schedule(value, "a/b").prev_at(end_ms + HOUR_MS)
        assert latest is not None
        assert end_ms - 48 * HOUR_MS < latest < end_ms
