"""`core.times.crontimes`: clock changes, against an oracle that looks at every minute."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from kit.cron import random_expression
from kit.minutes import fires, wall_minutes

from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.schedule import Schedule, compile_schedule
from jobboard.core.times.zone import find_zone

# What the zones are here for: half-hour changes, changes at midnight, a skipped day, two changes for one
# month of fasting, two hours, negative daylight saving, a change of the standard time, three hours back.
ZONES = (
    "Europe/Amsterdam",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Antarctica/Casey",
    "Europe/Dublin",
    "America/Havana",
    "Asia/Beirut",
    "Asia/Pyongyang",
    "America/Scoresbysund",
    "America/St_Johns",
    "Asia/Tehran",
)
SINCE_MS = parse_instant("1975-01-01")
UNTIL_MS = parse_instant("2199-01-01")


def chain(schedule: Schedule, begin_ms: int, end_ms: int) -> list[int]:
    found = []
    at_ms = schedule.next_after(begin_ms)
    while at_ms is not None and at_ms < end_ms:
        found.append(at_ms)
        at_ms = schedule.next_after(at_ms)
    return found


def chain_back(schedule: Schedule, end_ms: int, begin_ms: int) -> list[int]:
    found: list[int] = []
    at_ms = schedule.prev_at(end_ms)
    while at_ms is not None and at_ms > begin_ms:
        found.append(at_ms)
        at_ms = schedule.prev_at(at_ms - 1)
    return found[::-1]


@pytest.mark.parametrize("zone", ZONES)
def test_clock_changes_are_met_as_debian_meets_them(zone: str) -> None:
    chance = random.Random(zone)
    changes = [at_ms for at_ms in find_zone(zone).starts_ms if SINCE_MS < at_ms < UNTIL_MS]
    for change_ms in chance.sample(changes, min(4, len(changes))):
        noon = datetime.fromtimestamp(change_ms // 1000, UTC).replace(hour=12, minute=0, second=0)
        minutes = wall_minutes(zone, noon - timedelta(days=2), days=4)
        begin_ms, end_ms = minutes[0][0], minutes[-1][0] + 60_000
        for _ in range(12):
            expression = random_expression(chance, dense=True)
            expected = fires(expression, minutes)
            schedule = compile_schedule({"cron": expression.text, "timezone": zone}, "")
            told = (expression.text, zone, format_instant(change_ms))
            assert chain(schedule, begin_ms - 1, end_ms) == expected, told
            assert chain_back(schedule, end_ms - 1, begin_ms - 1) == expected, told
            assert schedule.count(begin_ms - 1, end_ms - 1) == len(expected), told
            near = range(change_ms - 10_800_000, change_ms + 10_800_000)
            for _ in range(10):
                at_ms, upto_ms = sorted([chance.choice(near), chance.choice(range(begin_ms, end_ms))])
                inside = [ms for ms in expected if at_ms < ms <= upto_ms]
                assert schedule.count(at_ms, upto_ms) == len(inside), told
                if inside:
                    assert schedule.next_after(at_ms) == inside[0], told
                    assert schedule.prev_at(upto_ms) == inside[-1], told
                else:
                    following = schedule.next_after(at_ms)
                    assert following is None or following > upto_ms, told


@pytest.mark.parametrize(
    ("cron", "zone", "begin", "expected"),
    [
        # spring: fixed times once, at the first instant after the gap, and only one for several
        (
            "30 2 * * *",
            "Europe/Madrid",
            "2026-03-28T12:00Z",
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "0,30 2 * * *",
            "Europe/Madrid",
            "2026-03-28T12:00Z",
            ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"],
        ),
        (
            "30 2,3 * * *",
            "Europe/Madrid",
            "2026-03-28T12:00Z",
            ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"],
        ),
        (
            "0 2,3 * * *",
            "Europe/Madrid",
            "2026-03-28T12:00Z",
            ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"],
        ),
        # autumn: the first occurrence only
        (
            "30 2 * * *",
            "Europe/Madrid",
            "2026-10-24T12:00Z",
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        # wild: by the wall clock, so nothing is invented and everything repeats
        (
            "0 */2 * * *",
            "Europe/Madrid",
            "2026-03-28T22:00Z",
            ["2026-03-28T23:00:00Z", "2026-03-29T02:00:00Z"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Madrid",
            "2026-03-28T22:00Z",
            ["2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "30 * * * *",
            "Europe/Madrid",
            "2026-10-25T00:00Z",
            ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"],
        ),
        # half an hour
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T00:00Z",
            ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00Z",
            ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
        ),
        # midnight does not exist
        (
            "0 0 * * *",
            "America/Sao_Paulo",
            "2018-11-03T12:00Z",
            ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"],
        ),
        # a day does not exist
        (
            "0 9 30 12 *",
            "Pacific/Apia",
            "2011-12-01T00:00Z",
            ["2011-12-30T10:00:00Z", "2012-12-29T19:00:00Z"],
        ),
    ],
)
def test_the_examples_of_the_rule(cron: str, zone: str, begin: str, expected: list[str]) -> None:
    schedule = compile_schedule({"cron": cron, "timezone": zone}, "")
    at_ms, found = parse_instant(begin), []
    for _ in expected:
        following = schedule.next_after(at_ms)
        assert following is not None
        at_ms = following
        found.append(format_instant(at_ms))
    assert found == expected


def test_what_a_change_has_to_do_with_it_is_told() -> None:
    fixed = compile_schedule({"cron": "30 2 * * *", "timezone": "Europe/Madrid"}, "")
    wild = compile_schedule({"cron": "*/30 2-3 * * *", "timezone": "Europe/Madrid"}, "")
    assert fixed.shift_at(parse_instant("2026-03-29T01:00Z")) == "gap"
    assert fixed.shift_at(parse_instant("2026-10-25T00:30Z")) == "fold"
    assert fixed.shift_at(parse_instant("2026-03-28T01:30Z")) is None
    assert wild.shift_at(parse_instant("2026-03-29T01:00Z")) is None
    assert wild.shift_at(parse_instant("2026-10-25T01:30Z")) == "fold"
    assert compile_schedule({"every": 60_000}, "").shift_at(0) is None


def test_an_offset_with_seconds_loses_no_minute() -> None:
    """Liberia's clock was 44:30 behind until 1972-01-07."""
    every_minute = compile_schedule({"cron": "* * * * *", "timezone": "Africa/Monrovia"}, "")
    begin_ms = parse_instant("1972-01-07T00:43:00Z")
    found = chain(every_minute, begin_ms, begin_ms + 180_000)
    assert [format_instant(at_ms) for at_ms in found] == [
        "1972-01-07T00:43:30Z",
        "1972-01-07T00:45:00Z",
    ]
    assert every_minute.count(begin_ms, begin_ms + 179_999) == 2
