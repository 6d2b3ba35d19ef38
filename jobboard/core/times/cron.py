"""Cron expressions: what is accepted, what is refused and what to write instead, and the canonical text.

Five fields as Debian's crontab(5) has them, and beyond it `L`, `5L`, `5#3` and `H`; where a schedule asks for
seconds, a field for them in front. What other programs read in another way than it is meant is refused with a
sentence. croniter gives the values of a field that has
passed these checks; it never sees anything else, and finds no instants.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from jobboard.core.seed import stable_hash
from jobboard.core.times.cronfield import DAY, FIELDS, HASHED, SECOND, WEEKDAY, Field, Refusal, normal_field
from jobboard.core.times.wallclock import EVERY_WEEKDAY, Cron

if TYPE_CHECKING:
    from collections.abc import Mapping

Days: TypeAlias = Literal["and", "or"]
"""Whether a day must match both day fields or either; see `normalise_cron`."""

_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "@hourly": "0 * * * *",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
    }
)
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CronError(ValueError):
    """A cron expression that is refused.

    Attributes:
        message: One sentence, without the way out.
        hint: What to write instead; None where nothing can be proposed.
        column: 0-based offset, in the expression as it was written, of the field that is meant.
    """

    def __init__(self, message: str, hint: str | None, column: int) -> None:
        super().__init__(message if hint is None else f"{message}; {hint}")
        self.message = message
        self.hint = None if hint is None else hint[0].upper() + hint[1:]
        self.column = column


@lru_cache(maxsize=16_384)
def normalise_cron(text: str, *, seconds: bool = False, days: Days | None = None) -> str:
    """The canonical text: fields of numbers, single spaces, no detours.

    Aliases become fields, names numbers, ``7`` becomes ``0``, ``5-5`` becomes ``5``; lists are sorted.
    Whether a field begins with ``*`` never changes, as that decides how it meets a clock change. `H` stays.

    Args:
        text: As it stands in a board.
        seconds: Whether a field for the second stands in front of the five.
        days: Whether a day must match both day fields, or either, where both restrict it. None is crontab's
            rule, either; it refuses fields that other programs read in another way.

    Raises:
        CronError: If it is refused.
    """
    words = text.split()
    columns = _Columns(text)
    if words and words[0].startswith("@"):
        return ("0 " if seconds else "") + _alias(text.strip(), columns[0])
    _check_count(words, columns, seconds=seconds)
    fields = []
    for index, word in enumerate(words, -1 if seconds else 0):
        try:
            fields.append(_normal_field(index, word))
        except Refusal as refusal:
            raise CronError(refusal.message, refusal.hint, columns[index + seconds]) from None
    _check_days(fields[-5:], columns, 1 if seconds else 0, days)
    return " ".join(fields)


def day_fields(normal: str) -> tuple[str, str]:
    """The day of the month and the weekday of a canonical text."""
    *_, day, _, weekday = normal.split()
    return day, weekday


def has_two_days(normal: str) -> bool:
    """Whether a canonical text restricts both the day of the month and the weekday."""
    return "*" not in day_fields(normal)


def has_starred_days(normal: str) -> bool:
    """Whether it restricts both, and one of the fields begins with ``*``: without `days` it is refused."""
    day, weekday = day_fields(normal)
    return "*" not in (day, weekday) and "*" in (day[0], weekday[0])


def parse_cron(text: str, seed: str | None = None) -> Cron:
    """The times that an expression names.

    Args:
        text: As it stands in a board.
        seed: What `H` hashes, a job's address; None hashes the empty text.

    Raises:
        CronError: If it is refused.
    """
    return compile_cron(resolve_hashes(normalise_cron(text), seed or ""))


def resolve_hashes(normal: str, seed: str) -> str:
    """A canonical text with each `H` replaced by the values that it stands for; see `normalise_cron`."""
    if "H" not in normal:
        return normal
    words = normal.split()
    return " ".join(
        ",".join(_resolve(field, item, seed) if item[0] == "H" else item for item in text.split(","))
        for field, text in zip((SECOND, *FIELDS)[-len(words) :], words, strict=True)
    )


def seconds_of(normal: str) -> int | None:
    """The seconds of each minute that a canonical text without `H` names, as bits; None if it has no such
    field.
    """
    first, *others = normal.split()
    return _values(0, first) if len(others) == 5 else None


@lru_cache(maxsize=16_384)
def compile_cron(normal: str, days_rule: Days | None = None) -> Cron:
    """The sets of a canonical text without `H`, apart from its seconds; compiled once and shared."""
    minute, hour, day, month, weekday = normal.split()[-5:]
    plain_days, last_day = [item for item in day.split(",") if item != "L"], "L" in day
    plain, last_weekdays, nth_weekdays = _weekday_items(weekday)
    either = days_rule != "and" and (has_two_days(normal) if days_rule else "*" not in (day[0], weekday[0]))
    days = _values(DAY, ",".join(plain_days))
    weekdays = _values(WEEKDAY, ",".join(plain))
    months = _values(3, month)
    return Cron(
        times=_spread(_values(1, hour)) * _values(0, minute),
        months=months,
        days=days,
        last_day=last_day,
        weekdays=weekdays,
        last_weekdays=last_weekdays,
        nth_weekdays=nth_weekdays,
        either=either,
        daily=_is_daily(months, days, weekdays, either=either),
        wild=minute[0] == "*" or hour[0] == "*",
    )


class _Columns:
    """Where each word of a text begins; looked for only when somebody asks."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getitem__(self, index: int) -> int:
        starts = [found.start() for found in re.finditer(r"\S+", self._text)]
        return starts[index] if index < len(starts) else 0


# Boards write few different fields, however many expressions they make of them.
@lru_cache(maxsize=8_192)
def _normal_field(index: int, text: str) -> str:
    """One field; -1 is the second's."""
    return normal_field(SECOND if index < 0 else FIELDS[index], text)


def _is_daily(months: int, days: int, weekdays: int, *, either: bool) -> bool:
    every = (days == _values(DAY, "*"), weekdays == EVERY_WEEKDAY)
    return months == _values(3, "*") and (any(every) if either else all(every))


def _weekday_items(text: str) -> tuple[list[str], int, tuple[int, ...]]:
    plain, last, nth = [], 0, [0] * 5
    for item in text.split(","):
        if item.endswith("L"):
            last |= 1 << int(item[:-1])
        elif "#" in item:
            weekday, _, number = item.partition("#")
            nth[int(number) - 1] |= 1 << int(weekday)
        else:
            plain.append(item)
    return plain, last, tuple(nth) if any(nth) else ()


@lru_cache(maxsize=8_192)
def _values(index: int, text: str) -> int:
    """The values of one field that is free of our extensions, as bits; by croniter's grammar."""
    field = FIELDS[index]
    if not text:
        return 0
    if text == "*":
        return (2 << field.top) - (1 << field.low)
    if text.isdecimal():
        return 1 << int(text)
    from croniter import croniter

    alone = ["*"] * 5
    alone[index] = text
    expanded = croniter.expand(" ".join(alone))[0][index]
    if expanded == ["*"]:
        return _values(index, "*")
    modulus = 7 if index == WEEKDAY else 60
    return sum(1 << value for value in {int(value) % modulus for value in expanded})


@lru_cache(maxsize=1_024)
def _spread(hours: int) -> int:
    """One bit at the first minute of each hour; times the minutes of an hour it gives those of the day."""
    return sum(1 << 60 * hour for hour in range(24) if hours >> hour & 1)


def _resolve(field: Field, item: str, seed: str) -> str:
    found = HASHED.fullmatch(item)
    assert found is not None
    low = int(found[1]) if found[1] else field.low
    high = int(found[2]) if found[2] else field.hashed
    number = stable_hash(seed, f"cron {field.name}")
    if not found[3]:
        return str(low + number % (high - low + 1))
    step = int(found[3])
    first = low + number % step
    return f"{first}-{high}/{step}" if first + step <= high else str(first)


def _alias(text: str, column: int) -> str:
    normal = _ALIASES.get(text.lower())
    if normal is not None:
        return normal
    if text.lower().startswith("@every"):
        span = text[6:].strip() or "5m"
        raise CronError(f"{text} is an interval and no cron expression", f"write `every: {span}`", column)
    if text.lower() == "@reboot":
        raise CronError(
            "@reboot names no time", "a board's jobs run by the clock, by hand or after others", column
        )
    raise CronError(f"there is no alias {text}", f"the aliases are {', '.join(_ALIASES)}", column)


def _check_count(words: list[str], columns: _Columns, *, seconds: bool) -> None:
    if len(words) == 5 + seconds:
        return
    names = "minute, hour, day of the month, month, weekday"
    if seconds:
        message = f"with `seconds: true` a cron expression has six fields, not {len(words)}"
        hint = f"write 0 {' '.join(words)}" if len(words) == 5 else f"write second, {names}"
        raise CronError(message, hint, columns[0])
    if len(words) < 5:
        count = "no fields" if not words else "1 field" if len(words) == 1 else f"{len(words)} fields"
        raise CronError(f"a cron expression has five fields, not {count}", f"write {names}", columns[0])
    sixth, column = words[5], columns[5]
    if re.search(r"[/a-z]{3}", sixth):
        raise CronError(f"{sixth!r} is no field of a cron expression", "the command goes under `run`", column)
    hint = f"write {names}; or `seconds: true` beside them, and the second as the first of six"
    if len(words) > 6:
        hint = f"write {names}"
    raise CronError(f"a cron expression has five fields, not {len(words)}", hint, column)


def _check_days(fields: list[str], columns: _Columns, shift: int, days: Days | None) -> None:
    """Refuse days that are read in two ways, and days that never come; `shift` is what stands in front."""
    day, months, weekday = fields[DAY], fields[3], fields[WEEKDAY]
    if days is None and "*" not in (day, weekday) and "*" in (day[0], weekday[0]):
        starred, written = (DAY, day) if day[0] == "*" else (WEEKDAY, weekday)
        field = FIELDS[starred]
        plain = re.sub(r"\*", f"{field.low}-{field.top}", written)
        raise CronError(
            f"{day} and {weekday} restrict both the day of the month and the weekday, and one begins "
            "with `*`: some crons start on days that match both, others on days that match either",
            f"write `days: and` for both or `days: or` for either beside it, or {plain} for the {field.name}",
            columns[starred + shift],
        )
    if (weekday == "*" or days == "and") and "L" not in day and not _comes(day, months):
        raise CronError(
            f"no month of {months} has a day {day}: it never comes",
            "write L for a month's last day",
            columns[DAY + shift],
        )


def _comes(day: str, months: str) -> bool:
    if day == "*" or months == "*" or "H" in day or "H" in months:
        return True
    days, in_months = _values(DAY, day), _values(3, months)
    return any(
        days & ((2 << longest) - 1) for n, longest in enumerate(_LONGEST_MONTH, 1) if in_months >> n & 1
    )
