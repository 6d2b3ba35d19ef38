"""`core.times.cronunion`: several expressions, with and without seconds, against a walk by every tick."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from kit.cron import Expression, random_expression
from kit.minutes import EPOCH, fires, standard_library_zone, wall_minutes

from jobboard.core.times.cron import compile_cron
from jobboard.core.times.cronunion import cron_instants
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.schedule import compile_schedule
from jobboard.core.times.zone import find_zone

if TYPE_CHECKING:
    from jobboard.core.times.nominals import Nominals

ZONES = ("Europe/Amsterdam", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia")
SINCE_MS, UNTIL_MS = parse_instant("1975-01-01"), parse_instant("2199-01-01")


def check_all(times: Nominals, expected: list[int], begin_ms: int, end_ms: int, told: object) -> None:
    """Hold next, previous and count to a list of all instants in a span."""
    found, at_ms = [], times.next_after(begin_ms - 1)
    while at_ms is not None and at_ms < end_ms:
        found.append(at_ms)
        at_ms = times.next_after(at_ms)
    assert found == expected, told
    back, at_ms = [], times.prev_at(end_ms - 1)
    while at_ms is not None and at_ms >= begin_ms:
        back.append(at_ms)
        at_ms = times.prev_at(at_ms - 1)
    assert back[::-1] == expected, told
    chance = random.Random(len(expected))
    for _ in range(12):
        after_ms, upto_ms = sorted(chance.choices(range(begin_ms - 1, end_ms), k=2))
        inside = sum(after_ms < at_ms <= upto_ms for at_ms in expected)
        assert times.count(after_ms, upto_ms) == inside, (told, after_ms, upto_ms)
    assert times.count(begin_ms - 1, end_ms - 1) == len(expected), told


def changes_of(zone: str) -> list[int]:
    return [at_ms for at_ms in find_zone(zone).starts_ms if SINCE_MS < at_ms < UNTIL_MS]


@pytest.mark.parametrize("zone", ZONES)
def test_a_list_is_the_union_of_its_expressions(zone: str) -> None:
    chance = random.Random(zone)
    changes = changes_of(zone)
    for change_ms in chance.sample(changes, min(3, len(changes))):
        noon = datetime.fromtimestamp(change_ms // 1000, UTC).replace(hour=12, minute=0, second=0)
        minutes = wall_minutes(zone, noon - timedelta(days=2), days=4)
        for size in (2, 3, 2, 3, 4):
            expressions = [random_expression(chance, dense=True) for _ in range(size)]
            expected = sorted({at_ms for each in expressions for at_ms in fires(each, minutes)})
            value = {"cron": sorted(each.text for each in expressions), "timezone": zone}
            begin_ms, end_ms = minutes[0][0], minutes[-1][0] + 60_000
            check_all(compile_schedule(value, ""), expected, begin_ms, end_ms, value)


@pytest.mark.parametrize("zone", ZONES)
def test_minutes_that_are_taken_out_are_gone_from_the_wall(zone: str) -> None:
    chance = random.Random(zone)
    change_ms = chance.choice(changes_of(zone))
    noon = datetime.fromtimestamp(change_ms // 1000, UTC).replace(hour=12, minute=0, second=0)
    minutes = wall_minutes(zone, noon - timedelta(days=2), days=4)
    for _ in range(8):
        kept = [random_expression(chance, dense=True) for _ in range(chance.randint(1, 3))]
        gone = [random_expression(chance, dense=True) for _ in range(chance.randint(1, 2))]
        expected = sorted({at_ms for each in kept for at_ms in fires(Without(each, gone), minutes)})
        minus = [compile_cron(each.text) for each in gone]
        times = cron_instants([each.text for each in kept], find_zone(zone), minus=minus)
        begin_ms, end_ms = minutes[0][0], minutes[-1][0] + 60_000
        check_all(times, expected, begin_ms, end_ms, ([e.text for e in kept], [e.text for e in gone]))


class Without(Expression):
    """An expression less the wall minutes of others."""

    def __init__(self, kept: Expression, gone: list[Expression]) -> None:
        super().__init__(kept.text, kept.minutes, kept.hours, kept.days, kept.months, kept.weekdays)
        object.__setattr__(self, "gone", gone)

    def matches(self, minute_of_day: int, day: int, month: int, weekday: int) -> bool:
        gone: list[Expression] = self.__dict__["gone"]
        return super().matches(minute_of_day, day, month, weekday) and not any(
            each.matches(minute_of_day, day, month, weekday) for each in gone
        )


@pytest.mark.parametrize(
    "crons",
    [
        ["*/20 * * * * *"],
        ["15,45 30 2 * * *"],
        ["*/30 0,30 2 * * *"],
        ["10 */7 1-3 * * *", "10,40 30 2 * * *"],
        ["0 59 1 * * *", "30 0 3 * * *", "5,30 * 2 * * *"],
        ["*/25 15-45 * * * *", "*/50 10-20 1-2 * * *", "0 20 2 * * *"],
    ],
)
@pytest.mark.parametrize("change", ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"])
def test_seconds_against_a_walk_through_every_second(crons: list[str], change: str) -> None:
    change_ms = parse_instant(change)
    begin_ms, end_ms = change_ms - 2 * 3_600_000, change_ms + 2 * 3_600_000
    shown = standard_library_zone("Europe/Madrid")
    seconds = []
    for at_ms in range(begin_ms, end_ms, 1000):
        wall = datetime.fromtimestamp(at_ms // 1000, shown).replace(tzinfo=None)
        seconds.append((at_ms, int((wall - EPOCH).total_seconds())))
    expected = sorted({at_ms for cron in crons for at_ms in second_fires(cron, seconds)})
    value: dict[str, Any] = {"cron": crons, "seconds": True, "timezone": "Europe/Madrid"}
    check_all(compile_schedule(value, ""), expected, begin_ms, end_ms, value)


def second_fires(cron: str, seconds: list[tuple[int, int]]) -> list[int]:
    """The rule of `kit.minutes.fires`, second by second, for expressions that come every day."""
    second, minute, hour, *_ = cron.split()
    names = [values(text, top) for text, top in ((second, 59), (minute, 59), (hour, 23))]
    started, front = [], seconds[0][1] - 1

    def matches(number: int) -> bool:
        parts = (number % 60, number // 60 % 60, number // 3600 % 24)
        return all(part in known for part, known in zip(parts, names, strict=True))

    for at_ms, number in seconds:
        if minute[0] == "*" or hour[0] == "*":
            due = matches(number)
        else:
            due = any(matches(passed) for passed in range(front + 1, number + 1))
            front = max(front, number)
        if due:
            started.append(at_ms)
    return started


def values(text: str, top: int) -> set[int]:
    span, _, step = text.partition("/")
    if span == "*":
        return set(range(0, top + 1, int(step or 1)))
    found: set[int] = set()
    for part in span.split(","):
        low, _, high = part.partition("-")
        found.update(range(int(low), int(high or low) + 1))
    return found


def test_a_fixed_and_a_wild_expression_meet_once_at_the_end_of_a_gap() -> None:
    value = {"cron": ["*/30 * * * *", "30 2 * * *"], "timezone": "Europe/Madrid"}
    schedule = compile_schedule(value, "")
    begin_ms = parse_instant("2026-03-29T00:45Z")
    assert schedule.next_after(begin_ms) == parse_instant("2026-03-29T01:00Z")
    assert schedule.count(begin_ms, parse_instant("2026-03-29T01:30Z")) == 2
    assert schedule.shift_at(parse_instant("2026-03-29T01:00Z")) is None


def test_hashes_of_a_list_and_of_seconds_are_the_job_s_own() -> None:
    value = {"cron": ["H H 2 * * *", "H H 14 * * *"], "seconds": True}
    found = {compile_schedule(value, f"a/{n}").next_after(0) for n in range(300)}
    assert len(found) > 250
    first = compile_schedule(value, "a/b").next_after(0)
    second = compile_schedule(value, "a/b").next_after(first or 0)
    assert (second or 0) - (first or 0) == 12 * 3_600_000


def test_ten_years_are_counted_at_once() -> None:
    value = {"cron": "*/5 * * * * *", "seconds": True}
    schedule = compile_schedule({"cron": ["* * * * *", "30 2 * * *"], "timezone": "Europe/Madrid"}, "")
    begin_ms, end_ms = parse_instant("2020-01-01"), parse_instant("2030-01-01")
    assert schedule.count(begin_ms, end_ms) == (end_ms - begin_ms) // 60_000
    assert compile_schedule(value, "").count(begin_ms, end_ms) == (end_ms - begin_ms) // 5_000
    assert format_instant(schedule.next_after(begin_ms) or 0) == "2020-01-01T00:01:00Z"
