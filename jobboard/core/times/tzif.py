"""A zone's clock changes, from the compiled zone files of the `tzdata` package.

Format: RFC 9636 (TZif), versions 2 to 4; its footer is a POSIX TZ rule that goes on after the last change
that the file lists, and is written out here up to `LAST_YEAR`.
"""

from __future__ import annotations

import re
import struct
from datetime import date
from typing import TypeAlias

LAST_YEAR = 2200
# Before every instant a schedule can name; stands for "since ever".
DAWN_MS = -(1 << 60)

Change: TypeAlias = tuple[int, int]
"""An instant in ms, and the offset from UTC in ms that holds from it on."""

_HEADER = struct.Struct(">4s c 15x 6L")
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_ABBREVIATION = r"(?:<[^>]+>|[A-Za-z]{3,})"
_TIME = r"[+-]?\d{1,3}(?::\d{2}(?::\d{2})?)?"
_RULE = re.compile(
    rf"{_ABBREVIATION}(?P<standard>{_TIME})"
    rf"(?:{_ABBREVIATION}(?P<summer>{_TIME})?,(?P<begin>[^,]+),(?P<end>[^,]+))?",
    re.ASCII,
)


def read_changes(content: bytes) -> list[Change]:
    """Every change of a zone's offset, oldest first; the first entry holds since `DAWN_MS`.

    Changes of only the name or the daylight flag are left out.

    Raises:
        ValueError: If the content is no TZif of version 2 or later.
    """
    start = _second_block(content)
    _, _, _, _, _, time_count, type_count, name_size = _header(content, start)
    body = start + _HEADER.size
    times = struct.unpack_from(f">{time_count}q", content, body)
    kinds = content[body + 8 * time_count : body + 9 * time_count]
    types_at = body + 9 * time_count
    offsets = [struct.unpack_from(">l", content, types_at + 6 * n)[0] for n in range(type_count)]
    footer = content[types_at + 6 * type_count + name_size :]
    listed = [(DAWN_MS, offsets[0] * 1000)]
    listed += [(at * 1000, offsets[kind] * 1000) for at, kind in zip(times, kinds, strict=True)]
    rule = footer[footer.index(b"\n") + 1 : footer.rindex(b"\n")].decode("ascii")
    return _effective(listed + rule_changes(rule, listed[-1][0]))


def _header(content: bytes, at: int) -> tuple[bytes, bytes, int, int, int, int, int, int]:
    magic, version, *counts = _HEADER.unpack_from(content, at)
    if magic != b"TZif" or version < b"2":
        raise ValueError("not a zone file of version 2 or later")
    utc_flags, standard_flags, leaps, times, types, name_size = counts
    return magic, version, utc_flags, standard_flags, leaps, times, types, name_size


def _second_block(content: bytes) -> int:
    """Where the 64-bit block begins: behind the 32-bit one, which is there for old readers."""
    _, _, utc_flags, standard_flags, leaps, times, types, name_size = _header(content, 0)
    return _HEADER.size + times * 5 + types * 6 + name_size + leaps * 8 + standard_flags + utc_flags


def _effective(changes: list[Change]) -> list[Change]:
    kept = changes[:1]
    for change in changes[1:]:
        if change[1] != kept[-1][1]:
            kept.append(change)
    return kept


def rule_changes(rule: str, after_ms: int) -> list[Change]:
    """The changes that a POSIX TZ rule makes after an instant and up to the end of `LAST_YEAR`."""
    if not rule:
        return []
    found = _RULE.fullmatch(rule)
    if found is None:
        raise ValueError(f"{rule!r} is no POSIX TZ rule")
    standard_s = -_seconds(found["standard"])
    if found["begin"] is None:
        return []
    summer_s = -_seconds(found["summer"]) if found["summer"] else standard_s + 3600
    first_year = max(1970, date.fromordinal(_EPOCH_DAY + max(after_ms, 0) // 86_400_000).year)
    changes = []
    for year in range(first_year, LAST_YEAR + 2):
        changes.append(((_rule_wall_s(found["begin"], year) - standard_s) * 1000, summer_s * 1000))
        changes.append(((_rule_wall_s(found["end"], year) - summer_s) * 1000, standard_s * 1000))
    return sorted(change for change in changes if change[0] > after_ms)


def _rule_wall_s(part: str, year: int) -> int:
    """The local second at which a yearly rule (``M3.5.0/2``, ``J60``, ``59``) strikes."""
    day_text, _, time_text = part.partition("/")
    if day_text[0] == "M":
        month, week, weekday = map(int, day_text[1:].split("."))
        day = _nth_weekday(year, month, week, weekday)
    elif day_text[0] == "J":
        number = int(day_text[1:])
        leap = date(year, 3, 1).toordinal() - date(year, 2, 1).toordinal() == 29
        day = date(year, 1, 1).toordinal() + number - 1 + (leap and number >= 60)
    else:
        day = date(year, 1, 1).toordinal() + int(day_text)
    return (day - _EPOCH_DAY) * 86_400 + (_seconds(time_text) if time_text else 7200)


def _nth_weekday(year: int, month: int, week: int, weekday: int) -> int:
    """The ordinal of a month's nth weekday (0 is Sunday); week 5 is the last."""
    first = date(year, month, 1).toordinal()
    following = date(year + month // 12, month % 12 + 1, 1).toordinal()
    day = first + (weekday - first) % 7 + (week - 1) * 7
    return day if day < following else day - 7


def _seconds(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    hours, minutes, seconds = (*map(int, text.lstrip("+-").split(":")), 0, 0)[:3]
    return sign * (hours * 3600 + minutes * 60 + seconds)
