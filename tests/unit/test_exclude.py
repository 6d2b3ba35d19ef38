"""`core.times.exclude` and `core.times.exclusion`: what is left out, against a look at every minute."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from kit.cron import random_expression
from kit.minutes import EPOCH, wall_minutes

from jobboard.core.jobs.resolve import Resolver, resolve_assignment, resolve_job
from jobboard.core.times.exclude import compose_exclusions, read_item
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.schedule import Schedule, compile_schedule, words

if TYPE_CHECKING:
    from kit.cron import Expression

    from jobboard.core.diagnostic import Fault

MINUTE_MS = 60_000
EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


def chain(schedule: Schedule, begin_ms: int, end_ms: int) -> list[int]:
    found, at_ms = [], schedule.next_after(begin_ms - 1)
    while at_ms is not None and at_ms < end_ms:
        found.append(at_ms)
        at_ms = schedule.next_after(at_ms)
    return found


def excluded_minutes(
    minutes: list[tuple[int, int]], crons: list[Expression], spans: list[tuple[int, int]]
) -> dict[int, bool]:
    """Each real minute, and whether it is left out."""
    found = {}
    for at_ms, number in minutes:
        wall = EPOCH + timedelta(minutes=number)
        shown = (wall.hour * 60 + wall.minute, wall.day, wall.month, wall.isoweekday() % 7)
        found[at_ms] = any(each.matches(*shown) for each in crons) or any(a <= at_ms < b for a, b in spans)
    return found


@pytest.mark.parametrize("begin", ["2026-10-19", "2026-03-23", "2026-06-15"])
@pytest.mark.parametrize("part", range(3))
def test_skipped_and_deferred_against_every_minute(begin: str, part: int) -> None:
    chance = random.Random(f"{begin} {part}")
    begin_ms = parse_instant(begin)
    minutes = wall_minutes("Europe/Madrid", EPOCH_UTC + timedelta(milliseconds=begin_ms), days=12)
    end_ms = minutes[-1][0] + MINUTE_MS
    for _ in range(6):
        crons = [random_expression(chance, dense=True) for _ in range(chance.randint(0, 2))]
        spans = []
        for _ in range(chance.randint(0 if crons else 1, 3)):
            first_ms = begin_ms + chance.randrange(12 * 1440) * MINUTE_MS
            spans.append((first_ms, first_ms + chance.choice([1, 90, 1440, 2500]) * MINUTE_MS))
        out = excluded_minutes(minutes, crons, spans)
        base: dict[str, Any] = chance.choice(
            [
                {"every": chance.choice([7, 60, 1440]) * MINUTE_MS, "phase": 0},
                {"repeat": f"R/{format_instant(begin_ms)}/PT{chance.choice([11, 300])}M"},
                {"at": sorted(begin_ms + chance.randrange(12 * 1440) * MINUTE_MS for _ in range(30))},
                # Where the clock goes forward, times that it skips are excluded by what they would show.
                *([{"cron": random_expression(chance, dense=True).text}] if begin != "2026-03-23" else []),
            ]
        )
        base["timezone"] = "Europe/Madrid"
        exclude = [f"{format_instant(a)}/{format_instant(b)}" for a, b in spans] + [e.text for e in crons]
        value = {**base, "exclude": exclude}
        nominals = chain(compile_schedule(base, "a/b"), begin_ms, end_ms)
        skipped = compile_schedule(value, "a/b")
        left = [at_ms for at_ms in nominals if not out[at_ms]]
        hold(skipped, left, (begin_ms, end_ms), chance, value)
        value["on_exclude"] = "defer"
        value["start"] = begin_ms
        later = {
            at_ms: next((m for m in range(at_ms, end_ms, MINUTE_MS) if not out[m]), None)
            for at_ms in nominals
        }
        deferred = sorted({at_ms for at_ms in later.values() if at_ms is not None})
        # What is put off past the end of the look is not known.
        safe_ms = min((at_ms for at_ms, moved in later.items() if moved is None), default=end_ms)
        moved = [at_ms for at_ms in deferred if at_ms < safe_ms]
        hold(compile_schedule(value, "a/b"), moved, (begin_ms, safe_ms), chance, value)


def hold(
    schedule: Schedule, expected: list[int], span: tuple[int, int], chance: random.Random, told: object
) -> None:
    """Hold next, previous and count to a list of all instants in a span."""
    begin_ms, end_ms = span
    assert chain(schedule, begin_ms, end_ms) == expected, told
    for _ in range(25):
        after_ms, upto_ms = sorted(chance.choices(range(begin_ms - 1, end_ms), k=2))
        inside = [at_ms for at_ms in expected if after_ms < at_ms <= upto_ms]
        assert schedule.count(after_ms, upto_ms) == len(inside), told
        before = [at_ms for at_ms in expected if at_ms <= upto_ms]
        latest = schedule.prev_at(upto_ms)
        assert latest == before[-1] if before else latest is None or latest < begin_ms, told


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"exclude": ["2026-12-25"]}, ["2026-12-24", "2026-12-26", "2026-12-27"]),
        ({"exclude": ["2026-12-25/2026-12-26"]}, ["2026-12-24", "2026-12-27", "2026-12-28"]),
        ({"exclude": ["* * 25 12 *", "2026-12-24"]}, ["2026-12-26", "2026-12-27", "2026-12-28"]),
        ({"exclude": ["holidays"]}, ["2026-12-26", "2026-12-27", "2026-12-28"]),
        ({"exclude": "* * * * 6,0"}, ["2026-12-24", "2026-12-25", "2026-12-28"]),
        ({"exclude": ["2026-12-24T02:00/2026-12-25T02:00"]}, ["2026-12-25", "2026-12-26", "2026-12-27"]),
    ],
)
def test_days_in_the_zone_of_the_job(keys: dict[str, Any], expected: list[str]) -> None:
    resolver = Resolver("b", timezone="Asia/Tokyo", calendars={"holidays": ("2026-12-24", "* * 25 12 *")})
    spec, faults = resolver.job("j", {"run": "a", "cron": "0 2 * * *", **keys})
    assert faults == []
    schedule = compile_schedule(spec["schedule"], "b/j")
    found, at_ms = [], parse_instant("2026-12-24", "Asia/Tokyo")
    for _ in expected:
        following = schedule.next_after(at_ms)
        assert following is not None
        at_ms = following
        found.append(format_instant(at_ms + 9 * 3_600_000)[:10])
    assert found == expected


@pytest.mark.parametrize("later", [{}, {"on_exclude": "defer"}])
@pytest.mark.parametrize(
    "exclude",
    [
        ["*/2 * * * *"],
        ["* 22-23 * * *", "* 0-3 * * 1", "2026-03-29"],
        ["59 23 * * *", "0 0 * * *", "2026-03-27/2026-03-30"],
        ["* * * * 0,6", "*/7 2 * * *"],
    ],
)
@pytest.mark.parametrize("timezone", ["Europe/Madrid", "America/St_Johns"])
def test_counting_agrees_with_going_through(later: dict[str, str], exclude: list[str], timezone: str) -> None:
    value = {"cron": "*/3 * * * *", "timezone": timezone, "exclude": exclude, **later}
    begin_ms = parse_instant("2026-03-05T13:07:31")
    for schedule in (
        compile_schedule(value, "a/b"),
        compile_schedule({"every": 97_000, "phase": 5, "exclude": exclude, **later}, "a/b"),
    ):
        for hours in (0, 1, 9, 17 * 24 + 5, 30 * 24):
            end_ms = begin_ms + hours * 3_600_000
            assert schedule.count(begin_ms, end_ms) == len(chain(schedule, begin_ms + 1, end_ms + 1))


def test_what_is_deferred_comes_once_at_the_first_instant_after() -> None:
    value = {"cron": "0 */6 * * *", "exclude": ["* * * * 0,6"], "on_exclude": "defer"}
    schedule = compile_schedule(value, "a/b")
    friday_ms = parse_instant("2026-03-06T18:00:00Z")
    assert schedule.next_after(friday_ms) == parse_instant("2026-03-09T00:00:00Z")
    value["cron"] = "0 13 * * *"
    assert compile_schedule(value, "a/b").next_after(friday_ms) == parse_instant("2026-03-09T00:00:00Z")
    assert compile_schedule(value, "a/b").count(friday_ms, friday_ms + 3 * 86_400_000) == 2


@pytest.mark.parametrize("kind", [{"cron": "0 0 * * *"}, {"every": 60_000, "phase": 0}, {"at": [86_400_000]}])
@pytest.mark.parametrize("later", [{}, {"on_exclude": "defer"}])
def test_what_leaves_nothing_names_no_instant(kind: dict[str, Any], later: dict[str, str]) -> None:
    schedule = compile_schedule({**kind, **later, "exclude": ["* * * * *"]}, "a/b")
    assert schedule.next_after(0) is None
    assert schedule.prev_at(parse_instant("2026-01-01")) is None
    assert schedule.count(0, parse_instant("2026-01-01")) == 0


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (["2026-12-25", "2026-12-26", "2026-12-20/2026-12-21"], 2),
        (["* * 25 dec *", "2026-12-25", "* * 25 12 *"], 2),
        ("2026-12-25", 1),
        ([], 0),
    ],
)
def test_the_canonical_form_is_merged_and_read_back(raw: Any, canonical: int) -> None:
    spec, faults = resolve_job(
        {"run": "a", "every": "1h", "exclude": raw}, board="b", name="j", timezone="Europe/Madrid"
    )
    assert faults == []
    assert len(spec["schedule"].get("exclude", ())) == canonical
    assert ("timezone" in spec["schedule"]) == any(
        "*" in text for text in spec["schedule"].get("exclude", ())
    )
    after, faults = resolve_assignment("tags", ["x"], spec, board="b", name="j", timezone="Asia/Tokyo")
    assert (after["schedule"], faults) == (spec["schedule"], [])


@pytest.mark.parametrize(
    ("raw", "path", "told", "hint"),
    [
        ({"exclude": ["2026-13-01"]}, ("exclude", 0), "no instant", "Write"),
        ({"exclude": "2026-12-26/2026-12-24"}, ("exclude",), "ends before it begins", "Write a date"),
        ({"exclude": ["2026-12-26T10:00"]}, ("exclude", 0), "one instant", "write a date"),
        ({"exclude": ["* * 25 12"]}, ("exclude", 0), "five fields, not 4", "Write minute"),
        ({"exclude": ["H * 25 12 *"]}, ("exclude", 0), "same for every job", "Write numbers"),
        ({"exclude": ["holiday"]}, ("exclude", 0), 'no calendar "holiday"', 'Did you mean "holidays"'),
        ({"exclude": ["x"]}, ("exclude", 0), 'no calendar "x"', "Declare it below  calendars:"),
        ({"on_exclude": "defer"}, ("on_exclude",), 'without "exclude"', "Take it out"),
    ],
)
def test_what_is_refused(raw: dict[str, Any], path: tuple[Any, ...], told: str, hint: str) -> None:
    resolver = Resolver("b", calendars={"holidays": ("2026-12-25",)})
    _, (fault,) = resolver.job("j", {"run": "a", "every": "1h", **raw})
    assert fault.path == path
    assert told in fault.message
    assert hint.lower() in str(fault.hint).lower()


def test_a_day_is_as_long_as_it_is_in_the_zone() -> None:
    spring, autumn = (read_item(day, "Europe/Madrid") for day in ("2026-03-29", "2026-10-25"))
    begin_ms = parse_instant("2026-03-28T23:00:00Z")
    assert spring == (begin_ms, begin_ms + 23 * 3_600_000)
    begin_ms = parse_instant("2026-10-24T22:00:00Z")
    assert autumn == (begin_ms, begin_ms + 25 * 3_600_000)


def test_an_unknown_calendar_is_said_once() -> None:
    faults: list[Fault] = []
    assert compose_exclusions(["one", "2026-01-01"], None, {}, faults) == [
        "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"
    ]
    assert len(faults) == 1


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (
            {"every": 60_000, "exclude": ["2026-12-25T00:00:00Z/2026-12-26T00:00:00Z", "0 0 * * *"]},
            "every 1m, not at 00:00 every day and in 1 range of time",
        ),
        (
            {"every": 60_000, "exclude": ["* * 25 12 *"], "on_exclude": "defer"},
            "every 1m, not * * 25 12 *, but as soon as they are over",
        ),
    ],
)
def test_in_words(schedule: dict[str, Any], text: str) -> None:
    assert words(schedule) == text
