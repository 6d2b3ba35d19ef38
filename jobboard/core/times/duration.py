"""Spans of elapsed time as people write them: ``1m30s``, ``PT3M5S``, ``{minutes: 3, seconds: 5}``.

Every span is exact to the millisecond. A day is 24 hours and a week seven of them; months and years have no
fixed length, so they are no durations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

UNIT_MS: Mapping[str, int] = MappingProxyType(
    {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
)
MAX_DURATION_MS = 100 * 366 * UNIT_MS["d"]

_WORDS: Mapping[str, str] = MappingProxyType(
    {"weeks": "w", "days": "d", "hours": "h", "minutes": "m", "seconds": "s", "milliseconds": "ms"}
)
_NUMBER = r"(\d+(?:\.\d+)?)"
_COMPACT = re.compile(r"\s*".join(rf"(?:{_NUMBER}\s*{unit})?" for unit in UNIT_MS), re.ASCII)
_ISO = re.compile(
    rf"P(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.ASCII | re.IGNORECASE,
)
_ISO_CALENDAR = re.compile(r"P[\d.,]+[YM]", re.IGNORECASE)
_EXAMPLES = "write it like 90s, 1m30s, 2h, 1d or PT3M5S"


def parse_duration(value: object) -> int:
    """The milliseconds a board's duration stands for.

    Args:
        value: Text (``1m30s``, ``500ms``, ISO 8601 ``PT3M5S``), a mapping of unit names to numbers, or the
            number 0. Text may be a sum of units, largest first, each at most once.

    Raises:
        ValueError: With a sentence that says what to write instead; any other number is refused, since its
            unit would be a guess.

    ISO 8601-1:2019, 5.5.2, without years and months.
    """
    if isinstance(value, str):
        span_ms = _from_text(value.strip())
    elif isinstance(value, Mapping):
        span_ms = _from_mapping(value)
    elif value == 0 and value is not False:
        return 0
    else:
        raise ValueError(_refusal(value))
    if span_ms > MAX_DURATION_MS:
        raise ValueError(f"{_shown(value)} is longer than 100 years")
    return span_ms


def format_duration(span_ms: int) -> str:
    """The usual short form of a span in ms: ``1m30s``, ``2h``, ``1w``; `parse_duration` reads it back.

    Weeks are used only where nothing is left over.
    """
    if span_ms < 0:
        return "-" + format_duration(-span_ms)
    if span_ms == 0:
        return "0s"
    weeks, rest_ms = divmod(span_ms, UNIT_MS["w"])
    if not rest_ms:
        return f"{weeks}w"
    parts = []
    rest_ms = span_ms
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest_ms = divmod(rest_ms, UNIT_MS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def _from_text(text: str) -> int:
    if text == "0":
        return 0
    if found := _COMPACT.fullmatch(text):
        amounts = zip(found.groups(), UNIT_MS, strict=True)
    elif found := _ISO.fullmatch(text):
        amounts = zip(found.groups(), ("w", "d", "h", "m", "s"), strict=True)
    else:
        raise ValueError(_refusal(text))
    given = [(number, unit) for number, unit in amounts if number]
    if not given:
        raise ValueError(_refusal(text))
    return sum(_exact_ms(number, unit) for number, unit in given)


def _from_mapping(value: Mapping[object, object]) -> int:
    if not value:
        raise ValueError(f"an empty duration; {_EXAMPLES}")
    total_ms = 0
    for name, number in value.items():
        unit = _WORDS.get(name) if isinstance(name, str) else None
        if unit is None:
            raise ValueError(f"{_shown(name)} is no unit of time; the units are {', '.join(_WORDS)}")
        if not _is_amount(number):
            raise ValueError(f"{name} is a number of {name}, not {_shown(number)}")
        total_ms += _exact_ms(repr(number), unit)
    return total_ms


def _is_amount(number: object) -> bool:
    """Whether it is a number that is written out without an exponent."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return number == 0 or 0.001 <= number < 1e15


def _exact_ms(number: str, unit: str) -> int:
    whole, _, fraction = number.partition(".")
    if len(whole) > 15 or len(fraction) > 15:
        raise ValueError(f"{number}{unit} is out of range")
    scale = int("1" + "0" * len(fraction))
    span_ms, left_over = divmod(int(whole + fraction) * UNIT_MS[unit], scale)
    if left_over:
        raise ValueError(f"{number}{unit} is not a whole number of milliseconds")
    return span_ms


def _refusal(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return f"a duration is a text such as 5m, not {_shown(value)}"
    text = str(value)
    if not text:
        return f"an empty duration; {_EXAMPLES}"
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return f"{text} of what? write {text}m for minutes or {text}s for seconds"
    if text.startswith("-"):
        return f"{_shown(text)} is negative; a duration is zero or more"
    if _ISO_CALENDAR.match(text):
        return f"{_shown(text)} has no fixed length: a month or a year is no duration; write days, as in P30D"
    return f"{_shown(text)} is no duration; {_EXAMPLES}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
