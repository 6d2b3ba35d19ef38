"""`core.times.cron`: what is accepted and how it is spelt afterwards, and what is refused."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st
from kit.cron import random_expression

from jobboard.core.times.cron import CronError, Days, normalise_cron, parse_cron, resolve_hashes
from jobboard.core.times.cronfield import FIELDS
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.schedule import compile_schedule


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("*/5 * * * *", "*/5 * * * *"),
        ("  0   4\t* * * ", "0 4 * * *"),
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("0 9 * * Mon-FRI", "0 9 * * 1-5"),
        ("0 0 1 JAN,jul *", "0 0 1 1,7 *"),
        ("00 08 01 * 7", "0 8 1 * 0"),
        ("0 0 * * 5-7", "0 0 * * 5-7"),
        ("0 5-5 * * *", "0 5 * * *"),
        ("0-59 * * * *", "0-59 * * * *"),
        ("*/1 * * * *", "* * * * *"),
        ("5-9/1 * * * *", "5-9 * * * *"),
        ("30,5,5,10 * * * *", "5,10,30 * * * *"),
        ("*/20,7,3 * * * *", "*/20,3,7 * * * *"),
        ("7,*/20 * * * *", "7,*/20 * * * *"),
        ("0 0 l * *", "0 0 L * *"),
        ("0 0 1,L * *", "0 0 1,L * *"),
        ("0 0 * * fril", "0 0 * * 5L"),
        ("0 0 * * 7#2", "0 0 * * 0#2"),
        ("0 0 * * 5#3,mon", "0 0 * * 1,5#3"),
        ("h h(2-4) H * h", "H H(2-4) H * H"),
        ("H/15 * * * *", "H/15 * * * *"),
        ("H(0-29)/10 * * * *", "H(0-29)/10 * * * *"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 0 31 * *", "0 0 31 * *"),
        ("0 0 30 2 1", "0 0 30 2 1"),
    ],
)
def test_the_canonical_text(text: str, normal: str) -> None:
    assert normalise_cron(text) == normal
    assert normalise_cron(normal) == normal
    parse_cron(text, "board/job")


@pytest.mark.parametrize(
    ("text", "column", "told", "hint"),
    [
        ("* * * * * *", 10, "five fields, not 6", "`seconds: true` beside them"),
        ("0 0 12 * * ?", 11, "five fields, not 6", "`seconds: true` beside them"),
        ("0 5 * * * root /bin/x", 10, "no field", "under `run`"),
        ("* * *", 0, "not 3 fields", "minute, hour"),
        ("5", 0, "not 1 field", "inute, hour"),
        ("", 0, "no fields", "inute, hour"),
        ("0 22-2 * * *", 2, "runs backwards", "Write 22-23,0-2"),
        ("50-10 * * * *", 0, "runs backwards", "Write 50-59,0-10"),
        ("0 23-3 * * *", 2, "runs backwards", "Write 23,0-3"),
        ("0 9 * * fri-mon", 8, "runs backwards", "Write 5-6,0-1"),
        ("0 9 * * sat-sun", 8, "runs backwards", "Write 6-7"),
        ("10/20 * * * *", 0, "no range", "Write 10-59/20"),
        ("0 0 * * sun/2", 8, "no range", "Write 0-6/2"),
        ("*/90 * * * *", 0, "larger than its range", "Write 0 if"),
        ("*/60 * * * *", 0, "larger than its range", "Write 0 if"),
        ("5-10/6 * * * *", 0, "larger than its range", "Write 5-10"[:7]),
        ("H/60 * * * *", 0, "larger than its range", "Write H if"),
        ("*/0 * * * *", 0, "step 0", "1 or more"),
        ("H(9-2) * * * *", 0, "runs backwards", "Write H(2-9)"),
        ("H(0-60) * * * *", 0, "60 is no minute", "0 to 59"),
        ("? * * * *", 0, "Quartz", "Write *"),
        ("R * * * *", 0, "another time on every machine", "Write H,"),
        ("R(0-9) * * * *", 0, "another time on every machine", "Write H(0-9)"),
        ("0~30 * * * *", 0, "random", "Write H(0-30)"),
        ("0 0 30 2 *", 4, "never comes", "Write L"),
        ("0 0 31 4,6,9,11 *", 4, "never comes", "Write L"),
        ("0 0 */2 * 1", 4, "both", "`days: or` for either beside it, or 1-31/2"),
        ("0 0 13 * */2", 9, "both", "`days: or` for either beside it, or 0-6/2"),
        ("@reboot", 0, "names no time", "by the clock"),
        (" @every 5m", 1, "an interval", "`every: 5m`"),
        ("@fortnightly", 0, "no alias", "@hourly"),
        ("60 * * * *", 0, "60 is no minute", "0 to 59"),
        ("0 24 * * *", 2, "24 is no hour", "idnight is hour 0"),
        ("0 0 0 * *", 4, "0 is no day", "1 to 31"),
        ("0 0 * 13 *", 6, "13 is no month", "1 to 12"),
        ("0 0 * * 8", 8, "8 is no weekday", "0 to 7"),
        ("0 0 * * monday", 8, "'monday'", "Write mon"),
        ("0 0 * foo *", 6, "'foo'", "jan, feb"),
        ("0 0 15W * *", 4, "working day", "L or"),
        ("0 0 LW * *", 4, "working day", "L or"),
        ("0 0 L-3 * *", 4, "counts back", "L or"),
        ("0 0 * * L5", 8, "croniter's form", "Write 5L"),
        ("0 0 * * L", 8, "no weekday", "6L"),
        ("0 0 * * 1#6", 8, "turn 6", "#1 to #5"),
        ("0 0 1#2 * *", 4, "weekday's turn", "fifth field"),
        ("0 0 5L * *", 4, "no day of the month", "fifth field"),
        ("1,,2 * * * *", 0, "empty place", "comma"),
        ("*,5 * * * *", 0, "beside other values", "rite *"),
        ("5,* * * * *", 0, "beside other values", "rite *"),
        ("mon * * * *", 0, "no minute", "0 to 59"),
        ("-5 * * * *", 0, "no minute", "0 to 59"),
        ("1-2-3 * * * *", 0, "no minute", "0 to 59"),
        ("٣ * * * *", 0, "no minute", "0 to 59"),
        ("9999999999 * * * *", 0, "no minute", "0 to 59"),
    ],
)
def test_what_is_refused_and_what_to_write_instead(text: str, column: int, told: str, hint: str) -> None:
    with pytest.raises(CronError) as caught:
        normalise_cron(text)
    error = caught.value
    assert (error.column, told in error.message) == (column, True), error.message
    assert error.hint is not None
    assert hint in error.hint


@given(st.text(alphabet="0123456789*/-,#LHW?R@ jan()\t~", max_size=24))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        normal, refused_at = normalise_cron(text), 0
    except CronError as error:
        normal, refused_at = "0 0 * * *", error.column
    assert 0 <= refused_at <= len(text)
    assert normalise_cron(normal) == normal
    parse_cron(normal, "board/job")


def instants(cron: str, begin: str, count: int) -> list[str]:
    schedule, at_ms, found = compile_schedule({"cron": cron}, "board/job"), parse_instant(begin), []
    for _ in range(count):
        following = schedule.next_after(at_ms)
        assert following is not None
        at_ms = following
        found.append(datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("cron", "begin", "expected"),
    [
        ("0 0 L * *", "2028-01-31", ["2028-02-29 00:00", "2028-03-31 00:00", "2028-04-30 00:00"]),
        (
            "0 0 * * 5L",
            "2026-01-01",
            ["2026-01-30 00:00", "2026-02-27 00:00", "2026-03-27 00:00", "2026-04-24 00:00"],
        ),
        ("0 0 * * 5#3", "2026-01-01", ["2026-01-16 00:00", "2026-02-20 00:00"]),
        ("0 0 * * 0#5", "2026-01-01", ["2026-03-29 00:00", "2026-05-31 00:00"]),
        # the day of the month and the weekday: either, also beside the extensions
        ("0 0 13 * 5#2", "2026-01-01", ["2026-01-09 00:00", "2026-01-13 00:00", "2026-02-13 00:00"]),
        ("0 0 13 * 5", "2026-02-01", ["2026-02-06 00:00", "2026-02-13 00:00", "2026-02-20 00:00"]),
        ("0 0 L * 1L", "2026-01-20", ["2026-01-26 00:00", "2026-01-31 00:00", "2026-02-23 00:00"]),
        ("0 0 29 2 1#5", "2026-01-01", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("0 0 29 2 *", "2096-03-01", ["2104-02-29 00:00"]),
        ("0 5-5 * * *", "2026-01-01", ["2026-01-01 05:00", "2026-01-02 05:00"]),
        ("0 9 * * 6-7", "2026-01-01", ["2026-01-03 09:00", "2026-01-04 09:00", "2026-01-10 09:00"]),
    ],
)
def test_the_days_it_names(cron: str, begin: str, expected: list[str]) -> None:
    assert instants(cron, begin, len(expected)) == expected


def test_a_date_that_stops_coming_ends() -> None:
    schedule = compile_schedule({"cron": "0 0 29 2 *"}, "")
    assert schedule.next_after(parse_instant("2196-03-01")) is None


@pytest.mark.parametrize("part", range(6))
def test_instants_agree_with_croniter_in_utc(part: int) -> None:
    chance = random.Random(part)
    for _ in range(400):
        text = random_expression(chance).text
        begin = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(50 * 525_960))
        oracle = croniter(text, begin, implement_cron_bug=True)
        schedule = compile_schedule({"cron": text}, "")
        at_ms = int(begin.timestamp()) * 1000
        for _ in range(4):
            following = schedule.next_after(at_ms)
            assert following == int(oracle.get_next(float)) * 1000, (text, begin)
            assert following is not None
            at_ms = following


def test_each_hash_form_stays_in_its_range_and_its_step() -> None:
    for seed in map(str, range(200)):
        minute, hour, day, month, weekday = resolve_hashes("H(10-19) H H H H", seed).split()
        assert 10 <= int(minute) <= 19
        assert 0 <= int(hour) <= 23
        assert 1 <= int(day) <= 28
        assert 1 <= int(month) <= 12
        assert 0 <= int(weekday) <= 6
        first, _, rest = resolve_hashes("H/15 * * * *", seed).split()[0].partition("-")
        assert int(first) < 15
        assert rest == "59/15"


def test_hashes_reach_every_slot_of_a_day_and_stay() -> None:
    slots = {resolve_hashes("H H * * *", f"board/job-{n}") for n in range(20_000)}
    assert len(slots) == 1440
    assert resolve_hashes("H H * * *", "ops/backup") == "1 0 * * *"


def test_a_hashed_step_that_fits_once_is_one_value() -> None:
    resolved = {resolve_hashes("H(0-9)/8 * * * *", str(n)).split()[0] for n in range(100)}
    assert resolved == {"0-9/8", "1-9/8", *"234567"}
    for n in range(100):
        assert parse_cron("H(0-9)/8 * * * *", str(n)).times


@pytest.mark.parametrize(
    ("text", "wild"),
    [
        ("* * * * *", True),
        ("*/5 3 * * *", True),
        ("5 */2 * * *", True),
        ("5 * * * *", True),
        ("5,*/20 3 * * *", False),
        ("0-59 0-23 * * *", False),
        ("0 3 * * *", False),
        ("H * * * *", True),
        ("H H * * *", False),
    ],
)
def test_wild_is_judged_by_the_text(text: str, wild: bool) -> None:
    assert parse_cron(text).wild is wild


def test_the_field_values_are_what_crontab_5_says() -> None:
    """croniter's grammar, where we let it see a field, has no surprises of its own."""
    for index, field in enumerate(FIELDS):
        for low in range(field.low, field.highest + 1, 3):
            for high in range(low + 1, field.highest + 1, 2):
                for step in range(1, high - low + 1, 5):
                    words = ["*"] * 5
                    words[index] = f"{low}-{high}/{step}"
                    cron = parse_cron(" ".join(words))
                    days_or_months = (cron.days, cron.months, cron.weekdays)
                    values = set(range(low, high + 1, step))
                    if index < 2:
                        scale = 1 if index == 0 else 60
                        found = {m // scale for m in range(60 if index == 0 else 1440) if cron.times >> m & 1}
                    else:
                        values = {value % 7 for value in values} if index == 4 else values
                        found = {n for n in range(32) if days_or_months[index - 2] >> n & 1}
                    assert found == values, words[index]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("*/10 * * * * *", "*/10 * * * * *"),
        ("30 0 2 * * MON", "30 0 2 * * 1"),
        ("H 0 2 * * *", "H 0 2 * * *"),
        ("@daily", "0 0 0 * * *"),
    ],
)
def test_with_seconds_the_second_stands_in_front(text: str, normal: str) -> None:
    assert normalise_cron(text, seconds=True) == normal
    assert normalise_cron(normal, seconds=True) == normal


@pytest.mark.parametrize(
    ("text", "days", "column", "told", "hint"),
    [
        ("0 2 * * *", None, 0, "six fields, not 5", "Write 0 0 2 * * *"),
        ("0 0 2 * *", None, 0, "six fields, not 5", "Write 0 0 0 2 * *"),
        ("0 0 0 2 * * *", None, 0, "six fields, not 7", "Write second, minute"),
        ("60 0 0 2 * *", None, 0, "60 is no second", "Write 0 to 59"),
        ("0 0 22-2 * * *", None, 4, "runs backwards", "Write 22-23,0-2"),
        ("0 0 0 */2 * 1", None, 6, "both", "1-31/2"),
        ("0 0 0 30 2 *", None, 6, "never comes", "Write L"),
        ("0 0 0 30 2 1", "and", 6, "never comes", "Write L"),
    ],
)
def test_what_is_refused_with_seconds(
    text: str, days: Days | None, column: int, told: str, hint: str
) -> None:
    with pytest.raises(CronError) as caught:
        normalise_cron(text, seconds=True, days=days)
    assert caught.value.column == column
    assert told in caught.value.message
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        ("0 0 13 * 5", None, ["2026-02-06", "2026-02-13", "2026-02-20"]),
        ("0 0 13 * 5", "or", ["2026-02-06", "2026-02-13", "2026-02-20"]),
        ("0 0 13 * 5", "and", ["2026-02-13", "2026-03-13", "2026-11-13"]),
        ("0 0 */2 * 1", "and", ["2026-02-09", "2026-02-23", "2026-03-09"]),
        ("0 0 */10 * 1", "or", ["2026-02-02", "2026-02-09", "2026-02-11"]),
        ("0 0 1-7 * 1", "and", ["2026-02-02", "2026-03-02", "2026-04-06"]),
        ("0 0 * * 1", "or", ["2026-02-02", "2026-02-09", "2026-02-16"]),
    ],
)
def test_days_says_whether_both_must_match(text: str, days: Days | None, expected: list[str]) -> None:
    value = {"cron": text} | ({"days": days} if days else {})
    schedule, at_ms, found = compile_schedule(value, ""), parse_instant("2026-02-01T12:00Z"), []
    for _ in expected:
        following = schedule.next_after(at_ms)
        assert following is not None
        at_ms = following
        found.append(format_instant(at_ms)[:10])
    assert found == expected
