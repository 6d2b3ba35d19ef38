"""`core.times.repeat`: repeating intervals, against each instant worked out on its own."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kit.minutes import standard_library_zone

from jobboard.core.jobs.resolve import resolve_assignment, resolve_job
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.repeat import Repeat, RepeatError, Repeats, parse_repeat
from jobboard.core.times.schedule import compile_schedule, words
from jobboard.core.times.zone import find_zone

ZONES = ("Europe/Madrid", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "UTC")


@pytest.mark.parametrize(
    ("repeat", "zone", "expected"),
    [
        (
            "R/2026-01-31T02:00:00/P1M",
            "UTC",
            ["2026-01-31T02:00", "2026-02-28T02:00", "2026-03-31T02:00", "2026-04-30T02:00"],
        ),
        ("R3/2026-01-01T00:00:00Z/PT1M", "UTC", ["2026-01-01T00:00", "2026-01-01T00:01", "2026-01-01T00:02"]),
        ("R/2024-02-29/P1Y", "UTC", ["2024-02-29T00:00", "2025-02-28T00:00", "2026-02-28T00:00"]),
        (
            "R/2026-03-28T12:00:00/P1D",
            "Europe/Madrid",
            ["2026-03-28T11:00", "2026-03-29T10:00", "2026-03-30T10:00"],
        ),
        (
            "R/2026-03-28T12:00:00/PT24H",
            "Europe/Madrid",
            ["2026-03-28T11:00", "2026-03-29T11:00", "2026-03-30T11:00"],
        ),
        (
            "R/2026-03-27T02:30:00/P1D",
            "Europe/Madrid",
            ["2026-03-27T01:30", "2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
        ),
        # a day that the zone leaves out falls together with the next
        (
            "R/2011-12-29/P1D",
            "Pacific/Apia",
            ["2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00"],
        ),
        ("R2/2026-01-01T00:00:00Z/P1DT12H", "UTC", ["2026-01-01T00:00", "2026-01-02T12:00"]),
    ],
)
def test_the_instants_of_examples(repeat: str, zone: str, expected: list[str]) -> None:
    schedule = compile_schedule({"repeat": repeat, "timezone": zone}, "")
    found: list[str] = []
    at_ms = schedule.next_after(0)
    while at_ms is not None and len(found) < len(expected):
        found.append(format_instant(at_ms)[:16])
        at_ms = schedule.next_after(at_ms)
    assert found == expected
    if repeat[1].isdecimal():
        assert at_ms is None
        assert schedule.prev_at(10**13) == parse_instant(expected[-1] + "Z")


def nth(repeat: Repeat, zone: str, number: int) -> int:
    """One instant by the standard library's calendar; gaps by trying the minutes after them."""
    shown = standard_library_zone(zone)
    first = datetime.fromtimestamp(repeat.start_ms // 1000, shown).replace(tzinfo=None)
    months = first.year * 12 + first.month - 1 + number * repeat.months
    day = first.day
    while True:
        try:
            wall = first.replace(year=months // 12, month=months % 12 + 1, day=day)
            break
        except ValueError:
            day -= 1
    wall += timedelta(days=number * repeat.days)
    while wall.replace(tzinfo=shown).astimezone(UTC).astimezone(shown).replace(tzinfo=None) != wall:
        wall += timedelta(minutes=1)
    at_ms = int(wall.replace(tzinfo=shown).timestamp()) * 1000
    return max(at_ms + number * repeat.elapsed_ms, repeat.start_ms)


@pytest.mark.parametrize("part", range(8))
def test_next_previous_and_count_against_a_list(part: int) -> None:
    chance = random.Random(part)
    for _ in range(12):
        zone = chance.choice(ZONES)
        start_ms = chance.randrange(
            parse_instant("1995-01-01") // 60_000, parse_instant("2030-01-01") // 60_000
        )
        months, days = chance.choice([(0, 0), (1, 0), (0, 1), (0, 7), (12, 0), (1, 3), (3, 0), (0, 2)])
        elapsed_ms = chance.choice([0, 90_000, 3_600_000]) if months or days else chance.randint(1, 10**8)
        times = chance.choice([None, 5, 60])
        repeat = Repeat(start_ms * 60_000, months, days, elapsed_ms, times)
        numbers = range(60 if times is None else times)
        expected = sorted({nth(repeat, zone, number) for number in numbers})
        instants = Repeats(repeat, find_zone(zone))
        found, at_ms = [], instants.next_after(0)
        while at_ms is not None and at_ms <= expected[-1]:
            found.append(at_ms)
            at_ms = instants.next_after(at_ms)
        assert found == expected, (repeat, zone)
        for _ in range(20):
            after_ms, upto_ms = sorted(chance.choices(range(expected[0] - 10**6, expected[-1]), k=2))
            inside = [each for each in expected if after_ms < each <= upto_ms]
            assert instants.count(after_ms, upto_ms) == len(inside), (repeat, zone)
            before = [each for each in expected if each <= upto_ms]
            assert instants.prev_at(upto_ms) == (before[-1] if before else None)


def test_a_start_that_is_shown_twice_may_be_the_second_time() -> None:
    start = "2026-10-25T01:30:00Z"
    schedule = compile_schedule({"repeat": f"R/{start}/P1D", "timezone": "Europe/Madrid"}, "")
    assert schedule.next_after(0) == parse_instant(start)
    assert schedule.prev_at(parse_instant(start) - 1) is None


@pytest.mark.parametrize(
    ("text", "zone", "canonical"),
    [
        ("R/2013-05-29T00:00:00/PT1M", None, "R/2013-05-29T00:00:00Z/PT1M"),
        ("r05/2013-05-29T00:00+02:00/p1y2m3w4dt5h6m7.5s", None, "R5/2013-05-28T22:00:00Z/P14M25DT5H6M7.5S"),
        ("R/2026-07-01/P1W", "Europe/Madrid", "R/2026-06-30T22:00:00Z/P7D"),
        ("R/2026-07-01/PT90M", "Europe/Madrid", "R/2026-06-30T22:00:00Z/PT1H30M"),
        ("R/2026-07-01/PT0.25S", None, "R/2026-07-01T00:00:00Z/PT0.25S"),
    ],
)
def test_the_canonical_text_means_the_same(text: str, zone: str | None, canonical: str) -> None:
    repeat = parse_repeat(text, zone)
    assert repeat.text() == canonical
    assert parse_repeat(canonical, "Asia/Tokyo") == repeat


@pytest.mark.parametrize(
    ("text", "column", "told", "hint"),
    [
        ("R0/2026-01-01/PT1M", 0, "never runs", "R5 for five"),
        ("5/2026-01-01/PT1M", 0, "how often", "R for ever"),
        ("R/PT1M", 0, "three parts", "Write it like"),
        ("R/PT1M/2026-01-01", 2, "no start", "Write it like"),
        ("R/2026-13-01/PT1M", 2, "no instant", "Write it like"),
        ("R/1969-01-01/PT1M", 2, "before 1970", "Write it like"),
        ("R/2026-01-01/2026-02-01", 13, "no duration", "PT1M"),
        ("R/2026-01-01/P", 13, "no time at all", "PT1M"),
        ("R/2026-01-01/PT0S", 13, "no time at all", "PT1M"),
        ("R/2026-01-01/P1.5M", 13, "no duration", "P1DT12H"),
        ("R/2026-01-01/PT5X", 13, "no duration", "rite it like"),
        ("R/2026-01-01/P200Y", 13, "longer than 100 years", "Write it like"),
    ],
)
def test_what_is_refused(text: str, column: int, told: str, hint: str) -> None:
    with pytest.raises(RepeatError) as caught:
        parse_repeat(text, None)
    assert caught.value.column == column
    assert told in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("raw", "schedule"),
    [
        (
            {"repeat": "R/2026-07-01/P1M"},
            {"repeat": "R/2026-06-30T22:00:00Z/P1M", "timezone": "Europe/Madrid"},
        ),
        ({"repeat": "R/2026-07-01/PT1M"}, {"repeat": "R/2026-06-30T22:00:00Z/PT1M"}),
        ({"repeat": "R/2026-07-01/P1M", "timezone": "UTC"}, {"repeat": "R/2026-07-01T00:00:00Z/P1M"}),
    ],
)
def test_the_zone_is_kept_where_it_matters(raw: dict[str, Any], schedule: dict[str, Any]) -> None:
    spec, faults = resolve_job({"run": "a", **raw}, board="b", name="j", timezone="Europe/Madrid")
    assert (spec["schedule"], faults) == (schedule, [])
    after, _ = resolve_assignment("tags", ["x"], spec, board="b", name="j", timezone="Europe/Madrid")
    assert after["schedule"] == schedule


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ({"repeat": "R/2026-01-01T00:00:00Z/PT90M"}, "every 1h30m from 2026-01-01T00:00:00Z"),
        (
            {"repeat": "R5/2026-01-01T00:00:00Z/P1M", "timezone": "Europe/Madrid"},
            "every P1M from 2026-01-01T00:00:00Z, 5 times (Europe/Madrid)",
        ),
        (
            {"every": 5_000, "start": 0, "decay": {"factor": 2, "step": 10_000, "max": 60_000}},
            "every 5s, times 2 after each 10s, at most 1m, from 1970-01-01T00:00:00Z",
        ),
        ({"every": 5_000, "jitter": {"max": 1_000, "per": "run"}}, "every 5s, up to 1s later, each run anew"),
    ],
)
def test_in_words(schedule: dict[str, Any], text: str) -> None:
    assert words(schedule) == text
