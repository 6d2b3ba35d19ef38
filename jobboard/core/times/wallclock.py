"""The minutes on the wall clock that a cron expression names: the next, the one before, and how many.

A **wall minute** counts the minutes that the local clock and calendar have shown since 1970-01-01 00:00,
without regard to clock changes; what those do is `core.times.crontimes`' matter. Nothing here steps through
minutes
or days: a day's minutes are one bit mask, a month's days another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import ClassVar, Protocol

from jobboard.core.times.tzif import LAST_YEAR

DAY_MINUTES = 1440
EVERY_WEEKDAY = 0b111_1111

EPOCH_DAY = date(1970, 1, 1).toordinal()
# The wall in the west still shows 1969 when 1970 begins.
FIRST_YEAR = 1969
_FIRST_DAY = date(FIRST_YEAR, 1, 1).toordinal() - EPOCH_DAY
_LAST_DAY = date(LAST_YEAR, 12, 31).toordinal() - EPOCH_DAY
# One bit a week, so that a product repeats a week's pattern over the five weeks a month can touch.
_FIVE_WEEKS = sum(1 << 7 * week for week in range(5))


class WallSet(Protocol):
    """A set of ticks of the clock on the wall: minutes since 1970-01-01 00:00, or seconds."""

    @property
    def unit_ms(self) -> int:
        """The length of a tick."""
        ...

    @property
    def wild(self) -> bool:
        """Whether it follows the wall clock through clock changes; see `core.times.crontimes`."""
        ...

    def next_tick(self, tick: int) -> int | None:
        """The first one at or after a tick; None if the calendar's end comes first."""
        ...

    def prev_tick(self, tick: int) -> int | None:
        """The last one at or before a tick; None if there is none since 1969."""
        ...

    def count_ticks(self, begin: int, end: int) -> int:
        """How many there are from `begin` on and before `end`."""
        ...


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed cron expression, as sets in the bits of integers.

    Attributes:
        times: Minutes of the day: bit 0 is 00:00, bit 1439 is 23:59.
        months: Bit 1 is January.
        days: Days of the month, bit 1 is the first.
        last_day: Whether the last day of each month belongs to the days as well (`L`).
        weekdays: Bit 0 is Sunday.
        last_weekdays: Weekdays of which each month's last one is meant (`5L`).
        nth_weekdays: Per number from 1 to 5, the weekdays of which each month's nth is meant (`5#3`).
        either: Whether a day matches by its number *or* its weekday; otherwise it needs both.
        daily: Whether every day matches, whatever the other fields would say.
        wild: Whether it follows the wall clock through clock changes: its minute or hour begins with ``*``.
    """

    times: int
    months: int
    days: int
    last_day: bool
    weekdays: int
    last_weekdays: int
    nth_weekdays: tuple[int, ...]
    either: bool
    daily: bool
    wild: bool
    unit_ms: ClassVar[int] = 60_000

    def next_tick(self, minute: int) -> int | None:
        """The first matching wall minute at or after one; None if the calendar's end comes first."""
        day, of_day = divmod(minute, DAY_MINUTES)
        if self.daily:
            rest = self.times >> of_day
            if rest:
                return minute + lowest_bit(rest)
            return (day + 1) * DAY_MINUTES + lowest_bit(self.times) if day < _LAST_DAY else None
        found = self._next_day(day)
        if found == day:
            rest = self.times >> of_day
            if rest:
                return minute + lowest_bit(rest)
            found = self._next_day(day + 1)
        return None if found is None else found * DAY_MINUTES + lowest_bit(self.times)

    def prev_tick(self, minute: int) -> int | None:
        """The last matching wall minute at or before one; None if there is none since 1969."""
        day, of_day = divmod(minute, DAY_MINUTES)
        found = self._prev_day(day)
        if found == day:
            rest = self.times & ((2 << of_day) - 1)
            if rest:
                return day * DAY_MINUTES + rest.bit_length() - 1
            found = self._prev_day(day - 1)
        return None if found is None else found * DAY_MINUTES + self.times.bit_length() - 1

    def count_ticks(self, begin: int, end: int) -> int:
        """How many matching wall minutes there are from `begin` on and before `end`."""
        if begin >= end:
            return 0
        first_day, first_of_day = divmod(begin, DAY_MINUTES)
        last_day, last_of_day = divmod(end, DAY_MINUTES)
        total = self._count_days(first_day, last_day) * self.times.bit_count()
        if self._next_day(first_day) == first_day:
            total -= (self.times & ((1 << first_of_day) - 1)).bit_count()
        if last_of_day and self._next_day(last_day) == last_day:
            total += (self.times & ((1 << last_of_day) - 1)).bit_count()
        return total

    def month_days(self, year: int, month: int) -> int:
        """The matching days of a month, bit 1 is the first; the months field included."""
        if not self.months >> month & 1:
            return 0
        length, first_weekday = _month_shape(year, month)
        all_days = (2 << length) - 2
        by_number = self.days & all_days
        if self.last_day:
            by_number |= 1 << length
        by_weekday = _weekday_days(self.weekdays, first_weekday) & all_days
        if self.last_weekdays:
            by_weekday |= _weekday_days(self.last_weekdays, first_weekday) & all_days & ~0 << length - 6
        for week, weekdays in enumerate(self.nth_weekdays):
            if weekdays:
                seven_days = EVERY_WEEKDAY << 7 * week + 1
                by_weekday |= _weekday_days(weekdays, first_weekday) & all_days & seven_days
        return by_number | by_weekday if self.either else by_number & by_weekday

    def _next_day(self, day: int) -> int | None:
        """The first matching day at or after one, both in days since 1970."""
        if day > _LAST_DAY:
            return None
        if self.daily:
            return day
        at = date.fromordinal(day + EPOCH_DAY)
        year, month = at.year, at.month
        rest = self.month_days(year, month) >> at.day
        if rest:
            return day + lowest_bit(rest)
        while year <= LAST_YEAR:
            year, month = _following(year, month, self.months)
            days = self.month_days(year, month)
            if days and year <= LAST_YEAR:
                return date(year, month, 1).toordinal() - EPOCH_DAY + lowest_bit(days) - 1
        return None

    def _prev_day(self, day: int) -> int | None:
        if day < _FIRST_DAY:
            return None
        day = min(day, _LAST_DAY)
        if self.daily:
            return day
        at = date.fromordinal(day + EPOCH_DAY)
        year, month = at.year, at.month
        rest = self.month_days(year, month) & ((2 << at.day) - 1)
        while not rest and year >= FIRST_YEAR:
            year, month = _preceding(year, month, self.months)
            rest = self.month_days(year, month)
        if year < FIRST_YEAR:
            return None
        return date(year, month, 1).toordinal() - EPOCH_DAY + rest.bit_length() - 2

    def _count_days(self, begin: int, end: int) -> int:
        """How many days match from `begin` on and before `end`."""
        if self.daily:
            return end - begin
        total = 0
        day = begin
        while day < end:
            at = date.fromordinal(day + EPOCH_DAY)
            following = day - at.day + _month_shape(at.year, at.month)[0] + 1
            days = self.month_days(at.year, at.month) >> at.day
            if following > end:
                days &= (1 << end - day) - 1
            total += days.bit_count()
            day = following
        return total


def lowest_bit(bits: int) -> int:
    """The number of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1


@lru_cache(maxsize=4_096)
def _month_shape(year: int, month: int) -> tuple[int, int]:
    """How many days a month has, and the weekday that it begins on."""
    first = date(year, month, 1).toordinal()
    following = date(year + month // 12, month % 12 + 1, 1).toordinal()
    return following - first, first % 7


def _weekday_days(weekdays: int, first_weekday: int) -> int:
    """The days, bit 1 is the first, that fall on the weekdays in a month that begins on `first_weekday`."""
    turned = (weekdays >> first_weekday | weekdays << 7 - first_weekday) & EVERY_WEEKDAY
    return turned * _FIVE_WEEKS << 1


def _following(year: int, month: int, months: int) -> tuple[int, int]:
    """The next month that is in the set `months`."""
    rest = months >> month + 1
    return (year, month + 1 + lowest_bit(rest)) if rest else (year + 1, lowest_bit(months))


def _preceding(year: int, month: int, months: int) -> tuple[int, int]:
    """The month before that is in the set `months`."""
    rest = months & ((1 << month) - 1)
    return (year, rest.bit_length() - 1) if rest else (year - 1, months.bit_length() - 1)
