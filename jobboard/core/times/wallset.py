"""Sets of wall ticks made of several cron expressions: unions, what is taken out of them, and seconds.

Like `core.times.wallclock`, nothing here knows a zone; days are taken whole, one bit mask each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from jobboard.core.times.tzif import LAST_YEAR
from jobboard.core.times.wallclock import DAY_MINUTES, EPOCH_DAY, FIRST_YEAR, lowest_bit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.times.wallclock import Cron, WallSet

WHOLE_DAY = (1 << DAY_MINUTES) - 1
_FIRST_MINUTE = (date(FIRST_YEAR, 1, 1).toordinal() - EPOCH_DAY) * DAY_MINUTES
_LAST_MINUTE = (date(LAST_YEAR, 12, 31).toordinal() - EPOCH_DAY + 1) * DAY_MINUTES - 1


@dataclass(frozen=True, slots=True)
class Mixed:
    """The minutes that any of some expressions names, and none of some others.

    Attributes:
        plus: Any of these.
        minus: None of these.
        within: Any of these as well; None asks for nothing more.
        wild: See `Cron`.
    """

    plus: tuple[Cron, ...]
    minus: tuple[Cron, ...]
    within: tuple[Cron, ...] | None
    wild: bool
    unit_ms: ClassVar[int] = 60_000

    def next_tick(self, tick: int) -> int | None:
        """The first minute at or after one."""
        if tick > _LAST_MINUTE:
            return None
        day, of_day = divmod(tick, DAY_MINUTES)
        at = date.fromordinal(day + EPOCH_DAY)
        year, month, from_day = at.year, at.month, at.day
        while year <= LAST_YEAR:
            days = self._days(year, month) >> from_day << from_day
            first = date(year, month, 1).toordinal() - EPOCH_DAY - 1
            while days:
                number = lowest_bit(days)
                times = self.minutes_of(year, month, number)
                if first + number == day:
                    times = times >> of_day << of_day
                if times:
                    return (first + number) * DAY_MINUTES + lowest_bit(times)
                days &= days - 1
            year, month, from_day = year + month // 12, month % 12 + 1, 0
        return None

    def prev_tick(self, tick: int) -> int | None:
        """The last minute at or before one."""
        if tick < _FIRST_MINUTE:
            return None
        day, of_day = divmod(min(tick, _LAST_MINUTE), DAY_MINUTES)
        at = date.fromordinal(day + EPOCH_DAY)
        year, month, to_day = at.year, at.month, at.day
        while year >= FIRST_YEAR:
            days = self._days(year, month) & ((2 << to_day) - 1)
            first = date(year, month, 1).toordinal() - EPOCH_DAY - 1
            while days:
                number = days.bit_length() - 1
                times = self.minutes_of(year, month, number)
                if first + number == day:
                    times &= (2 << of_day) - 1
                if times:
                    return (first + number) * DAY_MINUTES + times.bit_length() - 1
                days ^= 1 << number
            year, month, to_day = (year - 1, 12, 31) if month == 1 else (year, month - 1, 31)
        return None

    def count_ticks(self, begin: int, end: int) -> int:
        """How many minutes there are from `begin` on and before `end`."""
        total = 0
        first_day, end_day = begin // DAY_MINUTES, -(-end // DAY_MINUTES)
        for day in range(first_day, end_day):
            at = date.fromordinal(day + EPOCH_DAY)
            times = self.minutes_of(at.year, at.month, at.day)
            if day == first_day:
                times = times >> begin % DAY_MINUTES << begin % DAY_MINUTES
            if day == end_day - 1 and end % DAY_MINUTES:
                times &= (1 << end % DAY_MINUTES) - 1
            total += times.bit_count()
        return total

    def next_free(self, tick: int) -> int | None:
        """The first minute at or after one that does not belong to it; None if all do."""
        if any(cron.daily and cron.times == WHOLE_DAY for cron in self.plus) and not self.minus:
            return None
        day, of_day = divmod(tick, DAY_MINUTES)
        while tick <= _LAST_MINUTE:
            at = date.fromordinal(day + EPOCH_DAY)
            free = ~self.minutes_of(at.year, at.month, at.day) & WHOLE_DAY >> of_day << of_day
            if free:
                return day * DAY_MINUTES + lowest_bit(free)
            day, of_day = day + 1, 0
            tick = day * DAY_MINUTES
        return None

    def prev_free(self, tick: int) -> int | None:
        """The last minute at or before one that does not belong to it; None if all since 1969 do."""
        if tick < _FIRST_MINUTE:
            return tick
        day, of_day = divmod(min(tick, _LAST_MINUTE), DAY_MINUTES)
        at = date.fromordinal(day + EPOCH_DAY)
        while at.year >= FIRST_YEAR:
            free = ~self.minutes_of(at.year, at.month, at.day) & (2 << of_day) - 1
            if free:
                return day * DAY_MINUTES + free.bit_length() - 1
            day, of_day = day - 1, DAY_MINUTES - 1
            at = date.fromordinal(day + EPOCH_DAY)
        return None

    def _days(self, year: int, month: int) -> int:
        """The days of a month, bit 1 is the first, on which anything may be left."""
        days = wanted = 0
        for cron in self.plus:
            days |= cron.month_days(year, month)
            wanted |= cron.times
        for cron in self.minus:
            if not wanted & ~cron.times:
                days &= ~cron.month_days(year, month)
        return days

    def minutes_of(self, year: int, month: int, day: int) -> int:
        """The minutes of one day, bit 0 is the first."""
        times = _union(self.plus, year, month, day)
        if times and self.within is not None:
            times &= _union(self.within, year, month, day)
        return times & ~_union(self.minus, year, month, day) if times and self.minus else times


def _union(crons: Sequence[Cron], year: int, month: int, day: int) -> int:
    times = 0
    for cron in crons:
        if cron.month_days(year, month) >> day & 1:
            times |= cron.times
    return times


@dataclass(frozen=True, slots=True)
class Seconds:
    """Some seconds of each minute of a set: bit 0 of `seconds` is the first."""

    minutes: WallSet
    seconds: int
    unit_ms: ClassVar[int] = 1_000

    @property
    def wild(self) -> bool:
        """As the minutes are."""
        return self.minutes.wild

    def next_tick(self, tick: int) -> int | None:
        """The first second at or after one."""
        minute, second = divmod(tick, 60)
        found = self.minutes.next_tick(minute)
        if found == minute:
            rest = self.seconds >> second
            if rest:
                return tick + lowest_bit(rest)
            found = self.minutes.next_tick(minute + 1)
        return None if found is None else found * 60 + lowest_bit(self.seconds)

    def prev_tick(self, tick: int) -> int | None:
        """The last second at or before one."""
        minute, second = divmod(tick, 60)
        found = self.minutes.prev_tick(minute)
        if found == minute:
            rest = self.seconds & (2 << second) - 1
            if rest:
                return minute * 60 + rest.bit_length() - 1
            found = self.minutes.prev_tick(minute - 1)
        return None if found is None else found * 60 + self.seconds.bit_length() - 1

    def count_ticks(self, begin: int, end: int) -> int:
        """How many seconds there are from `begin` on and before `end`."""
        return self._count_before(end, begin // 60) - self._count_before(begin, begin // 60)

    def _count_before(self, tick: int, since_minute: int) -> int:
        minute, second = divmod(tick, 60)
        whole = self.minutes.count_ticks(since_minute, minute) * self.seconds.bit_count()
        rest = self.seconds & (1 << second) - 1
        return whole + rest.bit_count() * (self.minutes.count_ticks(minute, minute + 1) if rest else 0)


@dataclass(frozen=True, slots=True)
class Layers:
    """Several sets of seconds that have no tick in common."""

    layers: tuple[Seconds, ...]
    wild: bool
    unit_ms: ClassVar[int] = 1_000

    def next_tick(self, tick: int) -> int | None:
        """The first second at or after one."""
        found = [at for layer in self.layers if (at := layer.next_tick(tick)) is not None]
        return min(found, default=None)

    def prev_tick(self, tick: int) -> int | None:
        """The last second at or before one."""
        found = [at for layer in self.layers if (at := layer.prev_tick(tick)) is not None]
        return max(found, default=None)

    def count_ticks(self, begin: int, end: int) -> int:
        """How many seconds there are from `begin` on and before `end`."""
        return sum(layer.count_ticks(begin, end) for layer in self.layers)
