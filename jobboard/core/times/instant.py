"""Instants as text: RFC 3339 in UTC for machines and run ids, local time for people.

Inside the program and the store an instant is an integer, milliseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from jobboard.core.times.zone import find_zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_FORM = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*([Zz]|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_FORM_WORDS = "write it like 2026-03-29T02:00:00Z, or 2026-03-29 02:00 for local time"


def format_instant(at_ms: int) -> str:
    """The instant in RFC 3339, UTC: ``2026-03-29T01:00:00Z``; milliseconds only if there are any."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds")
    return text + "Z"


def parse_instant(text: str, zone: str | None = None) -> int:
    """The instant, in ms since the epoch, that an ISO 8601 text names.

    Args:
        text: A date, or a date and a time of day to the second or millisecond, with ``Z``, an offset, or
            nothing.
        zone: The zone whose local time is meant where the text has no offset; None is UTC. A local time that
            a clock change skips is the first instant after it; one that it repeats is the first of the two.

    Raises:
        ValueError: With a sentence, if it is no such text, no such date, or no known zone.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no instant; {_FORM_WORDS}")
    day, clock, second, fraction, offset = found.groups()
    wall_ms = _wall_ms(text, f"{day}T{clock or '00:00'}:{second or '00'}", fraction or "")
    if offset is None:
        return find_zone(zone or "UTC").instant(wall_ms)
    if clock is None:
        raise ValueError(f"{text!r} has an offset and no time of day; {_FORM_WORDS}")
    return wall_ms - _offset_ms(text, offset)


def local_text(at_ms: int, zone: str | None) -> str:
    """The instant for people, in a zone's local time: ``2026-03-29 03:00:00 +02:00``, or ``... UTC``."""
    offset_ms = find_zone(zone or "UTC").offset_at(at_ms)
    wall = format_instant(at_ms + offset_ms)[:-1].replace("T", " ")
    if zone in (None, "UTC"):
        return f"{wall} UTC"
    hours, minutes = divmod(abs(offset_ms) // 60_000, 60)
    return f"{wall} {'-' if offset_ms < 0 else '+'}{hours:02}:{minutes:02}"


def _wall_ms(text: str, stamp: str, fraction: str) -> int:
    if fraction[3:].strip("0"):
        raise ValueError(f"{text!r} is finer than a millisecond")
    try:
        moment = datetime.fromisoformat(stamp).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{text!r} is no instant: {error}") from None
    return (moment - _EPOCH) // _MS + int(fraction[:3].ljust(3, "0"))


def _offset_ms(text: str, offset: str) -> int:
    if offset in "Zz":
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"{text!r} has the offset {offset}, which is none")
    return (-1 if offset[0] == "-" else 1) * (hours * 60 + minutes) * 60_000
