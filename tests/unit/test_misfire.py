"""`core.runs.misfire`: which nominal runs now, judged beside a model that enumerates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobboard.core.runs.misfire import TOO_OLD, Decision, Lateness, Missed, decide
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.schedule import Schedule, compile_schedule

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
BEGIN_MS = parse_instant("2026-03-27")
HOURLY = compile_schedule({"cron": "0 * * * *"}, "a/b")


def at(text: str) -> int:
    return parse_instant(f"2026-03-27 {text}")


def test_nothing_is_due() -> None:
    decision = decide(HOURLY, at("05:00"), at("05:59"), Lateness("last"))
    assert decision == Decision(None, None, at("05:00"), at("06:00"))


def test_a_nominal_runs_at_its_very_instant() -> None:
    decision = decide(HOURLY, at("05:00"), at("06:00"), Lateness("last"))
    assert decision == Decision(at("06:00"), None, at("06:00"), at("07:00"))


@pytest.mark.parametrize("catchup", ["last", "none"])
def test_a_minute_after_its_instant_is_not_late(catchup: str) -> None:
    assert decide(HOURLY, at("05:00"), at("06:01"), Lateness(catchup)).nominal_ms == at("06:00")


def test_a_late_one_still_runs_if_it_is_the_newest() -> None:
    assert decide(HOURLY, at("05:00"), at("06:59"), Lateness("last")) == Decision(
        at("06:00"), None, at("06:00"), at("07:00")
    )


def test_a_late_one_is_missed_without_catching_up() -> None:
    decision = decide(HOURLY, at("05:00"), at("06:59"), Lateness("none"))
    assert decision == Decision(None, Missed(1, at("06:00"), at("06:00")), at("06:00"), at("07:00"))


def test_after_a_long_downtime_the_newest_runs_and_the_others_are_counted() -> None:
    decision = decide(HOURLY, at("05:00"), at("05:30") + 30 * HOUR_MS, Lateness("last"))
    newest = at("05:00") + 30 * HOUR_MS
    missed = Missed(29, at("06:00"), newest - HOUR_MS)
    assert decision == Decision(newest, missed, newest, newest + HOUR_MS)


def test_after_a_long_downtime_without_catching_up_all_are_missed() -> None:
    decision = decide(HOURLY, at("05:00"), at("05:30") + 30 * HOUR_MS, Lateness("none"))
    newest = at("05:00") + 30 * HOUR_MS
    assert decision == Decision(None, Missed(30, at("06:00"), newest), newest, newest + HOUR_MS)


def test_the_late_are_missed_where_a_timely_one_is_due() -> None:
    minutely = compile_schedule({"cron": "* * * * *"}, "a/b")
    decision = decide(minutely, at("05:00"), at("05:10") + 30_000, Lateness("last"))
    assert decision == Decision(at("05:10"), Missed(9, at("05:01"), at("05:09")), at("05:10"), at("05:11"))


def test_several_timely_ones_run_one_after_another() -> None:
    often = compile_schedule({"every": 10_000, "phase": 0}, "a/b")
    first = decide(often, at("05:00"), at("05:00") + 25_000, Lateness("none"))
    assert first == Decision(at("05:00") + 10_000, None, at("05:00") + 10_000, at("05:00") + 20_000)
    second = decide(often, first.cursor_ms, at("05:00") + 25_000, Lateness("none"))
    assert second.nominal_ms == at("05:00") + 20_000


def test_jitter_counts_from_the_due_instant() -> None:
    jittered = compile_schedule({"cron": "0 * * * *", "jitter": 30 * MINUTE_MS}, "a/b")
    due_ms = jittered.due(at("06:00"))
    assert due_ms > at("06:00") + MINUTE_MS
    assert decide(jittered, at("05:00"), due_ms - 1, Lateness("none")) == Decision(
        None, None, at("05:00"), due_ms
    )
    assert decide(jittered, at("05:00"), due_ms + MINUTE_MS, Lateness("none")).nominal_ms == at("06:00")
    assert decide(jittered, at("05:00"), due_ms + MINUTE_MS + 1, Lateness("none")).nominal_ms is None


def test_a_clock_that_went_back_decides_nothing() -> None:
    assert decide(HOURLY, at("05:00"), at("03:00"), Lateness("last")) == Decision(
        None, None, at("05:00"), at("06:00")
    )


def test_a_schedule_that_has_ended_has_no_next() -> None:
    once = compile_schedule({"at": [at("06:00")]}, "a/b")
    assert decide(once, 0, at("23:00"), Lateness("last")) == Decision(at("06:00"), None, at("06:00"), None)
    assert decide(once, at("06:00"), at("23:00"), Lateness("last")) == Decision(None, None, at("06:00"), None)


def test_a_year_of_minutes_is_counted_not_walked() -> None:
    minutely = compile_schedule({"cron": "* * * * *", "timezone": "Europe/Madrid"}, "a/b")
    decision = decide(
        minutely, BEGIN_MS, BEGIN_MS + 365 * 24 * HOUR_MS + 90_000 - MINUTE_MS, Lateness("none", 0)
    )
    assert decision.missed is not None
    assert decision.missed.count == 365 * 24 * 60


def test_all_of_a_day_at_most_is_caught_up_oldest_first() -> None:
    decision = decide(HOURLY, at("05:00"), at("05:30") + 30 * HOUR_MS, Lateness("all"))
    last_ms = at("05:00") + 30 * HOUR_MS
    assert decision.backlog_ms == tuple(last_ms - back * HOUR_MS for back in reversed(range(24)))
    assert decision.missed == Missed(6, at("06:00"), at("11:00"), TOO_OLD)
    assert (decision.nominal_ms, decision.cursor_ms) == (None, last_ms)


def test_a_hundred_at_most_are_caught_up_and_what_is_due_comes_after_them() -> None:
    minutely = compile_schedule({"cron": "* * * * *"}, "a/b")
    decision = decide(minutely, at("05:00"), at("09:00") + 30_000, Lateness("all"))
    assert len(decision.backlog_ms) == 100
    assert decision.backlog_ms[-1] == at("08:59")
    assert decision.nominal_ms == decision.cursor_ms == at("09:00")
    assert decision.missed == Missed(139, at("05:01"), at("07:19"), TOO_OLD)


def test_a_job_says_itself_what_is_late_and_what_is_too_old() -> None:
    patient = Lateness("none", late_after_ms=2 * HOUR_MS)
    assert decide(HOURLY, at("05:00"), at("07:59"), patient).nominal_ms == at("06:00")
    brief = Lateness("all", window_ms=2 * HOUR_MS)
    assert decide(HOURLY, at("05:00"), at("10:30"), brief).backlog_ms == (at("09:00"), at("10:00"))


def expected(
    schedule: Schedule, cursor_ms: int, now_ms: int, catchup: str
) -> tuple[int | None, list[int], list[int]]:
    """The rule, by listing: what runs now, what is missed, and what is caught up."""
    pending = []
    nominal = schedule.next_after(cursor_ms)
    while nominal is not None and schedule.due(nominal) <= now_ms:
        pending.append(nominal)
        nominal = schedule.next_after(nominal)
    late = [each for each in pending if now_ms - schedule.due(each) > MINUTE_MS]
    timely = pending[len(late) :]
    if catchup == "all":
        backlog = [each for each in late if each >= now_ms - 24 * HOUR_MS][-100:]
        return timely[0] if timely else None, late[: len(late) - len(backlog)], backlog
    if timely:
        return timely[0], late, []
    if late and catchup == "last":
        return late[-1], late[:-1], []
    return None, late, []


SCHEDULES: tuple[dict[str, Any], ...] = (
    {"cron": "*/7 * * * *", "timezone": "Europe/Madrid"},
    {"cron": "30 2 * * *", "timezone": "Europe/Madrid"},
    {"cron": "*/20 * * * *", "jitter": 15 * MINUTE_MS},
    {"every": 45_000, "jitter": 600_000},
    {"every": 20_000, "start": BEGIN_MS + HOUR_MS, "stop": BEGIN_MS + 2 * HOUR_MS},
    {"at": [BEGIN_MS, BEGIN_MS + 1, BEGIN_MS + 30_000, BEGIN_MS + 5 * HOUR_MS]},
)


@settings(max_examples=400)
@given(
    st.sampled_from(SCHEDULES),
    st.integers(0, 72 * HOUR_MS),
    st.integers(0, 30 * HOUR_MS),
    st.sampled_from(["last", "none", "all"]),
)
def test_decisions_agree_with_the_model(
    value: dict[str, Any], offset_ms: int, away_ms: int, catchup: str
) -> None:
    schedule = compile_schedule(value, "a/b")
    cursor_ms, now_ms = BEGIN_MS + offset_ms, BEGIN_MS + offset_ms + away_ms
    for _ in range(20):
        runs, missed, backlog = expected(schedule, cursor_ms, now_ms, catchup)
        decision = decide(schedule, cursor_ms, now_ms, Lateness(catchup))
        assert decision.nominal_ms == runs
        why = (TOO_OLD,) if catchup == "all" else ()
        assert decision.missed == (Missed(len(missed), missed[0], missed[-1], *why) if missed else None)
        assert list(decision.backlog_ms) == backlog
        decided = [*missed, *backlog, *([] if runs is None else [runs])]
        assert decision.cursor_ms == (max(decided) if decided else cursor_ms)
        following = schedule.next_after(decision.cursor_ms)
        assert decision.next_due_ms == (None if following is None else schedule.due(following))
        cursor_ms = decision.cursor_ms
        if not decided:
            break
