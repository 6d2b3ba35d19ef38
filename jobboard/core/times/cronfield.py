"""One field of a cron expression: its canonical text, or why it is refused and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Refusal(Exception):
    """A field that is refused, before anybody knows where it stands; see `core.times.cron.CronError`."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Field:
    """What one of the fields may hold.

    Attributes:
        top: The greatest value that ``*`` stands for.
        highest: The greatest that may be written: weekday 7 is Sunday too.
        hashed: The greatest that `H` may stand for.
    """

    name: str
    low: int
    top: int
    highest: int
    hashed: int
    names: Mapping[str, int]


FIELDS = (
    Field("minute", 0, 59, 59, 59, {}),
    Field("hour", 0, 23, 23, 23, {}),
    # `H` leaves out the days that not every month has.
    Field("day of the month", 1, 31, 31, 28, {}),
    Field("month", 1, 12, 12, 12, {name: n for n, name in enumerate(_MONTHS, 1)}),
    Field("weekday", 0, 6, 7, 6, {name: n for n, name in enumerate(_WEEKDAYS)}),
)
DAY, WEEKDAY = 2, 4
# Only where a schedule says `seconds: true`, and then it stands in front.
SECOND = Field("second", 0, 59, 59, 59, {})

_VALUE = r"([A-Za-z]+|\d+)"
_STAR = re.compile(r"\*(?:/(\d+))?", re.ASCII)
_RANGE = re.compile(rf"{_VALUE}(?:-{_VALUE})?(?:/(\d+))?", re.ASCII)
HASHED = re.compile(r"H(?:\((\d+)-(\d+)\))?(?:/(\d+))?", re.ASCII | re.IGNORECASE)
_LAST = re.compile(r"([A-Za-z]{3}|\d+)L", re.ASCII | re.IGNORECASE)
_NTH = re.compile(rf"{_VALUE}#(\d+)", re.ASCII)
_RANDOM = re.compile(r"(\d+)~(\d+)", re.ASCII)
# Words of other crons that would pass for misspelt names.
_FOREIGN = re.compile(r"L|LW|L-\d+|L\d|R|R/.*|R\(.*", re.ASCII | re.IGNORECASE)


def normal_field(field: Field, text: str) -> str:
    """The canonical text of a field: numbers, the list sorted, beginning with ``*`` if and only if it did.

    Raises:
        Refusal: With what to write instead.
    """
    items = text.split(",")
    if "" in items:
        raise Refusal(f"{text!r} has an empty place in its list", "separate values by one comma")
    first, *others = (_normal_item(field, item) for item in items)
    if others and "*" in (first, *others):
        raise Refusal(f"{text!r} lists `*` beside other values", "`*` alone means every value: write *")
    if first[0] == "*":
        return ",".join((first, *sorted({*others} - {first}, key=_order)))
    return ",".join(sorted({first, *others}, key=_order))


def _order(item: str) -> tuple[int, str]:
    """Numbers by value, then everything else: what begins with ``*`` never comes first by sorting."""
    found = re.match(r"\d+", item)
    return (int(found[0]) if found else 100, "~" + item if item[0] == "*" else item)


def _normal_item(field: Field, item: str) -> str:
    forms: tuple[tuple[re.Pattern[str], Callable[[Field, re.Match[str]], str]], ...] = (
        (_STAR, _normal_star),
        (HASHED, _normal_hashed),
        (_NTH, _normal_nth),
        (_LAST, _normal_last),
        (_RANGE, _normal_range),
    )
    if item.upper() == "L" and field is FIELDS[DAY]:
        return "L"
    if _FOREIGN.fullmatch(item):
        raise Refusal(*_why_not(field, item))
    for form, normal in forms:
        if found := form.fullmatch(item):
            return normal(field, found)
    raise Refusal(*_why_not(field, item))


def _normal_star(field: Field, found: re.Match[str]) -> str:
    return "*" + _step(field, found[0], found[1], field.low, field.top)


def _normal_hashed(field: Field, found: re.Match[str]) -> str:
    low, high = field.low, field.hashed
    span = ""
    if found[1]:
        low, high = _value(field, found[1]), _value(field, found[2])
        if low > high:
            raise Refusal(f"{found[0]} is a range that runs backwards", f"write H({high}-{low})")
        span = f"({low}-{high})"
    return f"H{span}{_step(field, found[0], found[3], low, high)}"


def _normal_nth(field: Field, found: re.Match[str]) -> str:
    if field is not FIELDS[WEEKDAY]:
        raise Refusal(
            f"{found[0]} names a weekday's turn in a {field.name} field", "it goes into the fifth field"
        )
    number = int(found[2])
    if not 1 <= number <= 5:
        raise Refusal(f"no month has a weekday's turn {number}", "write #1 to #5, or 5L for the last Friday")
    return f"{_value(field, found[1]) % 7}#{number}"


def _normal_last(field: Field, found: re.Match[str]) -> str:
    if field is not FIELDS[WEEKDAY]:
        raise Refusal(
            f"{found[0]!r} is no {field.name}", "5L, the last Friday of the month, goes into the fifth field"
        )
    return f"{_value(field, found[1]) % 7}L"


def _normal_range(field: Field, found: re.Match[str]) -> str:
    weekday = field is FIELDS[WEEKDAY]
    low = _value(field, found[1])
    if found[2] is None:
        if found[3] is not None:
            span = f"{low % 7 if weekday else low}-{field.top}/{int(found[3])}"
            raise Refusal(
                f"{found[0]} has a step and no range: crons disagree what it means", f"write {span}"
            )
        return str(low % 7 if weekday else low)
    high = _value(field, found[2])
    if low > high:
        raise Refusal(f"{found[0]} is a range that runs backwards", f"write {_unwrapped(field, low, high)}")
    step = _step(field, found[0], found[3], low, high)
    if low == high:
        return str(low % 7 if weekday else low)
    return f"{low}-{high}{step}"


def _unwrapped(field: Field, low: int, high: int) -> str:
    """A range that passes the field's end, written as two that do not."""
    if field is FIELDS[WEEKDAY] and high == 0:
        return f"{low}-7"
    parts = ((low, field.top), (field.low, high))
    return ",".join(f"{begin}-{end}" if begin < end else str(begin) for begin, end in parts)


def _step(field: Field, item: str, text: str | None, low: int, high: int) -> str:
    """``/15``, or nothing where the step leaves nothing out."""
    if text is None:
        return ""
    step = int(text)
    if step == 0:
        raise Refusal(f"{item} has the step 0", "a step is 1 or more")
    if step > 1 and step > high - low:
        instead = item.partition("/")[0] if item[0] in "Hh" else str(low)
        raise Refusal(
            f"{item} has a step larger than its range, so the {field.name} is always the first of it",
            f"write {instead} if that is meant",
        )
    return f"/{step}" if step > 1 else ""


def _value(field: Field, text: str) -> int:
    if not text.isdecimal():
        return _named(field, text.lower())
    value = int(text) if len(text) < 6 else 10**6
    if not field.low <= value <= field.highest:
        hint = f"write {field.low} to {field.highest}"
        if field is FIELDS[1] and value == 24:
            hint = "midnight is hour 0"
        raise Refusal(f"{text} is no {field.name}", hint)
    return value


def _named(field: Field, name: str) -> int:
    if name in field.names:
        return field.names[name]
    if field.names and name[:3] in field.names and len(name) > 3:
        raise Refusal(f"{name!r} is no {field.name}", f"write {name[:3]}")
    if field.names:
        raise Refusal(f"{name!r} is no {field.name}", f"the names are {', '.join(field.names)}")
    raise Refusal(*_why_not(field, name))


def _why_not(field: Field, item: str) -> tuple[str, str | None]:
    upper = item.upper()
    reach = f"write {field.low} to {field.highest}, a range such as {field.low}-{field.low + 4}, or *"
    if "?" in item:
        return "`?` is Quartz's word for no restriction", "write *"
    if upper == "R" or upper.startswith(("R/", "R(")):
        return (
            "`R` is another time on every machine",
            f"write {upper.replace('R', 'H', 1)}, the same time every day",
        )
    if found := _RANDOM.fullmatch(item):
        return f"{item} is random", f"write H({found[1]}-{found[2]}), the same time every day"
    if "W" in upper and field is FIELDS[DAY]:
        return f"{item!r} asks for the nearest working day, which is not supported", "use L or a day's number"
    if field is FIELDS[DAY] and upper.startswith("L"):
        return (
            f"{item!r} counts back from the month's last day, which is not supported",
            "write L or a day's number",
        )
    if field is FIELDS[WEEKDAY] and (found := re.fullmatch(r"L([0-7])", upper)):
        return f"{item!r} is croniter's form", f"write {found[1]}L"
    if field is FIELDS[WEEKDAY] and upper == "L":
        return "`L` alone is no weekday", "write 6 for every Saturday, 6L for a month's last"
    return f"{item!r} is no {field.name}", reach
