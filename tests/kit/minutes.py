"""The oracle of clock changes: every real minute of a few days, looked at one by one."""

from __future__ import annotations

import pkgutil
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from kit.cron import Expression

WallMinute: TypeAlias = tuple[int, int]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time has no zone


@lru_cache
def standard_library_zone(name: str) -> ZoneInfo:
    """A zone as the standard library reads it, from the same release of the database."""
    content = pkgutil.get_data("tzdata", f"zoneinfo/{name}")
    assert content is not None
    return ZoneInfo.from_file(BytesIO(content), name)


def wall_minutes(zone: str, begin: datetime, days: int) -> list[WallMinute]:
    """Every minute from an instant on: the instant in ms, and the wall minute that it shows."""
    shown = standard_library_zone(zone)
    found = []
    for offset in range(days * 1440):
        at = begin + timedelta(minutes=offset)
        wall = at.astimezone(shown).replace(tzinfo=None)
        found.append((int(at.timestamp()) * 1000, int((wall - EPOCH).total_seconds()) // 60))
    return found


def fires(expression: Expression, minutes: list[WallMinute]) -> list[int]:
    """Debian's rule, as a machine that is woken every minute.

    A wild expression goes by what the clock shows. A fixed one starts at the first minute at which a matching
    wall time has been reached or passed that was not before.
    """
    started = []
    front = minutes[0][1] - 1
    for at_ms, number in minutes:
        if expression.wild:
            due = _matches(expression, number)
        else:
            due = any(_matches(expression, passed) for passed in range(front + 1, number + 1))
            front = max(front, number)
        if due:
            started.append(at_ms)
    return started


@lru_cache(maxsize=1 << 18)
def _shown(number: int) -> tuple[int, int, int, int]:
    wall = EPOCH + timedelta(minutes=number)
    return wall.hour * 60 + wall.minute, wall.day, wall.month, wall.isoweekday() % 7


def _matches(expression: Expression, number: int) -> bool:
    return expression.matches(*_shown(number))
