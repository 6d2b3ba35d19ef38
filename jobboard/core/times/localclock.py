"""Instants by the clock of a zone: as text for a report, as a weekday, as whole hours and days.

A zone of None is UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.times.instant import local_text
from jobboard.core.times.zone import find_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SHOWN = 5
"""So many instants are named before the rest is only counted."""


def listed(instants_ms: Sequence[int], zone: str | None) -> str:
    """The first few instants, and how many more there are."""
    named = [said(at_ms, zone) for at_ms in instants_ms[:SHOWN]]
    if len(instants_ms) > SHOWN:
        named.append(f"{len(instants_ms) - SHOWN:,} more")
    return ", ".join(named)


def said(at_ms: int, zone: str | None) -> str:
    """An instant as short as can be: seconds only where there are any."""
    day, clock, offset = local_text(at_ms, zone).split(" ", 2)
    return f"{day} {clock.removesuffix(':00') if clock.count(':') == 2 else clock} {offset}"


def clock_text(minute: int) -> str:
    """A minute of the day as ``06:00``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def wall_at(at_ms: int, zone: str | None) -> int:
    """What the zone's clock shows at an instant, in ms since it showed 1970-01-01 00:00."""
    return at_ms + find_zone(zone or "UTC").offset_at(at_ms)


def weekday(at_ms: int, zone: str | None) -> int:
    """The zone's day of the week at an instant, 0 for Monday."""
    # 1970-01-01 was a Thursday.
    return (wall_at(at_ms, zone) // DAY_MS + 3) % 7


def next_time(at_ms: int, minute: int, zone: str | None) -> int:
    """The first instant after one at which the zone's clock shows a time of day."""
    day_ms = wall_at(at_ms, zone) // DAY_MS * DAY_MS
    found_ms = at_ms
    while found_ms <= at_ms:
        found_ms = find_zone(zone or "UTC").instant(day_ms + minute * MINUTE_MS)
        day_ms += DAY_MS
    return found_ms


def whole_spans(begin_ms: int, end_ms: int, step_ms: int, zone: str | None) -> Iterator[tuple[int, int]]:
    """The whole steps of a zone's clock, hours or days, that lie within a span."""
    known = find_zone(zone or "UTC")
    wall_ms = -(-wall_at(begin_ms, zone) // step_ms) * step_ms
    since_ms = known.instant(wall_ms)
    while True:
        wall_ms += step_ms
        until_ms = known.instant(wall_ms)
        if until_ms > end_ms:
            return
        # An hour that the clock skips is none.
        if since_ms >= begin_ms and until_ms > since_ms:
            yield since_ms, until_ms
        since_ms = until_ms
