"""Repeating intervals of ISO 8601: ``R/2013-05-29T00:00:00/PT1M``.

The nth instant is the start plus n times the duration, never the one before plus the duration: 31 January,
28 February, 31 March. Years, months, weeks and days are units of the calendar in the job's zone; hours and
below are elapsed time. What comes of an instant never lies before the start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from jobboard.core.times.duration import UNIT_MS, parse_duration
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.nominals import DUSK_MS

if TYPE_CHECKING:
    from jobboard.core.times.zone import Zone

_DAY_MS = 86_400_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# Of 400 years, after which the calendar repeats.
_MONTH_MS = 146_097 * _DAY_MS // 4800
_MOST_MONTHS, _MOST_DAYS = 1200, 36_525
# The estimate of which instant comes next is never further off than this: a few days of uneven months and
# clock changes, while a step of the calendar is a day at least.
_SLACK = 4
_COUNT = re.compile(r"R(\d*)", re.ASCII | re.IGNORECASE)
_DATE_PART = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?", re.ASCII | re.IGNORECASE
)
_EXAMPLE = "write it like R/2026-03-01T00:00:00Z/P1M"


class RepeatError(ValueError):
    """A repeating interval that is none.

    Attributes:
        message: One sentence, without the way out.
        hint: What to write instead.
        column: 0-based offset, in the text, of the part that is meant.
    """

    def __init__(self, message: str, hint: str, column: int) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint[0].upper() + hint[1:]
        self.column = column


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repeating interval.

    Attributes:
        start_ms: Its first instant.
        months: Of the duration; years are twelve.
        days: Of the duration; weeks are seven.
        elapsed_ms: The rest of the duration.
        times: How many instants there are; None for no end.
    """

    start_ms: int
    months: int
    days: int
    elapsed_ms: int
    times: int | None

    @property
    def is_calendar(self) -> bool:
        """Whether it depends on the zone."""
        return bool(self.months or self.days)

    def text(self) -> str:
        """The canonical text, which `parse_repeat` reads back."""
        count = "" if self.times is None else self.times
        return f"R{count}/{format_instant(self.start_ms)}/{self.duration_text()}"

    def duration_text(self) -> str:
        """The duration in ISO 8601."""
        days = "".join(f"{n}{unit}" for n, unit in ((self.months, "M"), (self.days, "D")) if n)
        hours, rest_ms = divmod(self.elapsed_ms, UNIT_MS["h"])
        minutes, rest_ms = divmod(rest_ms, UNIT_MS["m"])
        second = f"{rest_ms // 1000}.{rest_ms % 1000:03}".rstrip("0").rstrip(".") if rest_ms else ""
        time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (second, "S")) if n)
        return f"P{days}" + (f"T{time}" if time else "")


def parse_repeat(text: str, zone: str | None) -> Repeat:
    """The repeating interval that a text names.

    Args:
        text: ``R``, perhaps how many times, the start, and the duration, with slashes between.
        zone: The zone whose local time the start is in, where it has no offset; None is UTC.

    Raises:
        RepeatError: If it is none.

    ISO 8601-1:2019, 5.6, with a start and a duration.
    """
    parts = text.split("/")
    if len(parts) != 3:
        raise RepeatError(f"{text!r} has not the three parts of a repeating interval", _EXAMPLE, 0)
    count, start, span = parts
    times = _times(count)
    if start[:1] in "Pp":
        raise RepeatError(f"{text!r} has no start", _EXAMPLE, len(count) + 1)
    try:
        start_ms = parse_instant(start, zone)
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise RepeatError(message, hint or _EXAMPLE, len(count) + 1) from None
    if start_ms < 0:
        raise RepeatError(f"{start} lies before 1970", _EXAMPLE, len(count) + 1)
    months, days, elapsed_ms = _span(span, len(count) + len(start) + 2)
    return Repeat(start_ms, months, days, elapsed_ms, times)


def _times(count: str) -> int | None:
    found = _COUNT.fullmatch(count)
    if found is None or len(count) > 10:
        raise RepeatError(f"{count!r} is not how often", "write R for ever, or R5 for five times", 0)
    if found[1] and not int(found[1]):
        raise RepeatError("R0 never runs", "write R for ever, or R5 for five times", 0)
    return int(found[1]) if found[1] else None


def _span(text: str, column: int) -> tuple[int, int, int]:
    """Months, days and elapsed ms of a duration."""
    if text[:1] not in "Pp":
        raise RepeatError(
            f"{text!r} is no duration", "write how long from one to the next, as in PT1M", column
        )
    dated, mark, timed = text.partition("T" if "T" in text else "t")
    found = _DATE_PART.fullmatch(dated)
    if found is None:
        raise RepeatError(f"{text!r} is no duration", "write it like P1M, P2W, P1DT12H or PT15M", column)
    years, months, weeks, days = (int(number or 0) for number in found.groups())
    try:
        elapsed_ms = parse_duration("PT" + timed) if mark else 0
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise RepeatError(message, hint or _EXAMPLE, column) from None
    whole = (years * 12 + months, weeks * 7 + days, elapsed_ms)
    if not any(whole):
        raise RepeatError(
            f"{text} is no time at all", "write how long from one to the next, as in PT1M", column
        )
    if whole[0] > _MOST_MONTHS or whole[1] > _MOST_DAYS:
        raise RepeatError(f"{text} is longer than 100 years", _EXAMPLE, column)
    return whole


@dataclass(frozen=True, slots=True)
class Repeats:
    """The instants of a repeating interval."""

    repeat: Repeat
    zone: Zone

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        number = self._count_to(at_ms)
        if self.repeat.times is not None and number >= self.repeat.times:
            return None
        found_ms = self._instant(number)
        return found_ms if found_ms < DUSK_MS else None

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one."""
        number = self._count_to(min(at_ms, DUSK_MS - 1))
        return self._instant(number - 1) if number else None

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        upto_ms = min(upto_ms, DUSK_MS - 1)
        if upto_ms <= after_ms:
            return 0
        return self._count_to(upto_ms) - self._count_to(after_ms) - self._merged(after_ms, upto_ms)

    def _instant(self, number: int) -> int:
        """The instant after so many durations."""
        repeat = self.repeat
        elapsed_ms = number * repeat.elapsed_ms
        if not repeat.is_calendar:
            return repeat.start_ms + elapsed_ms
        wall_ms = repeat.start_ms + self.zone.offset_at(repeat.start_ms)
        first = date.fromordinal(_EPOCH_DAY + wall_ms // _DAY_MS)
        year, month = divmod(first.year * 12 + first.month - 1 + number * repeat.months, 12)
        month_day = date(year, month + 1, 1).toordinal() + min(first.day, _month_days(year, month + 1)) - 1
        day = month_day + number * repeat.days - _EPOCH_DAY
        found_ms = self.zone.instant(day * _DAY_MS + wall_ms % _DAY_MS) + elapsed_ms
        # A start that the clock shows twice may be the second of the two.
        return max(found_ms, repeat.start_ms)

    def _count_to(self, at_ms: int) -> int:
        """How many durations it takes to pass an instant: the number of the first one after it."""
        repeat = self.repeat
        if at_ms < repeat.start_ms:
            return 0
        average_ms = repeat.months * _MONTH_MS + repeat.days * _DAY_MS + repeat.elapsed_ms
        number = max(0, (min(at_ms, DUSK_MS) - repeat.start_ms) // average_ms - _SLACK)
        while self._instant(number) <= min(at_ms, DUSK_MS):
            number += 1
        return number if repeat.times is None else min(number, repeat.times)

    def _merged(self, after_ms: int, upto_ms: int) -> int:
        """How many instants fall together, as days do that a zone leaves out."""
        if not self.repeat.is_calendar:
            return 0
        zone, merged = self.zone, 0
        for index in range(zone.index_at(after_ms) + 1, zone.index_at(upto_ms) + 1):
            change_ms = zone.starts_ms[index]
            if zone.skipped_ms(index):
                merged += max(0, self._count_to(change_ms) - self._count_to(change_ms - 1) - 1)
        return merged


def _month_days(year: int, month: int) -> int:
    return date(year + month // 12, month % 12 + 1, 1).toordinal() - date(year, month, 1).toordinal()
