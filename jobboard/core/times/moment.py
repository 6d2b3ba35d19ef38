"""Instants and spans as briefly as a person can read them without a doubt.

`core.times.instant` writes the full forms. These are for tables and sentences: what lies within a week is a
weekday and a time, what lies further is a date.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jobboard.core.times.duration import format_duration
from jobboard.core.times.zone import find_zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000
_NEAR_MS = 6 * _DAY_MS
_HALF_YEAR_MS = 183 * _DAY_MS


def brief_instant(at_ms: int, zone: str | None, now_ms: int) -> str:
    """Local time: ``Fri 06:00`` near now, then ``19 Nov 06:00``, ``2025-11-19 06:00``.

    Seconds are shown only where there are any.
    """
    wall = _EPOCH + timedelta(milliseconds=at_ms + find_zone(zone or "UTC").offset_at(at_ms))
    clock = f"{wall:%H:%M:%S}" if wall.second else f"{wall:%H:%M}"
    if abs(at_ms - now_ms) < _NEAR_MS:
        return f"{wall:%a} {clock}"
    if abs(at_ms - now_ms) < _HALF_YEAR_MS:
        return f"{wall.day} {wall:%b} {clock}"
    return f"{wall:%Y-%m-%d} {clock}"


def brief_span(span_ms: int) -> str:
    """A span, rounded down to what matters: ``340ms``, ``2.4s``, ``12s``, ``3m5s``, ``12h10m``, ``3d``."""
    if span_ms < 1_000:
        return f"{span_ms}ms"
    if span_ms < 10_000:
        return f"{span_ms // 100 / 10:g}s"
    for above_ms, unit_ms in ((3 * _DAY_MS, _DAY_MS), (36_000_000, 60_000), (0, 1_000)):
        if span_ms >= above_ms:
            return format_duration(span_ms // unit_ms * unit_ms)
    raise AssertionError(span_ms)
