"""The instants of a cron expression in a zone, through every clock change.

The rule is Debian cron's and cronie's, cron(8), "daylight saving": a **fixed** time that a change skips is
made up for once, at the first instant after it, however many times were skipped; a fixed time that a change
repeats fires at its first occurrence only. An expression whose minute or hour begins with ``*`` is **wild**:
it follows the wall clock at every real minute, so what is skipped is not made up for and what is repeated
fires again. Unlike those programs, which take a change of three hours or more for a correction of a wrong
clock, a zone's table knows better: a day that a zone leaves out is a skipped span like any other.

Instants are found by bisecting the zone's segments, never by stepping through minutes. A **tick** is a
minute, or a second where an expression has seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jobboard.core.times.wallclock import WallSet
    from jobboard.core.times.zone import Zone


@dataclass(frozen=True, slots=True)
class CronTimes:
    """The ticks of cron expressions in a zone. Instants are in ms since the epoch."""

    cron: WallSet
    zone: Zone

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one; None if the calendar ends before it."""
        if self.cron.wild:
            return self._next_wild(at_ms)
        tick = self.cron.next_tick(self.unreached(at_ms))
        return None if tick is None else self.zone.instant(tick * self.cron.unit_ms)

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one; None if there is none since 1969."""
        if self.cron.wild:
            return self._prev_wild(at_ms)
        tick = self.cron.prev_tick(self.unreached(at_ms) - 1)
        return None if tick is None else self.zone.instant(tick * self.cron.unit_ms)

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        if upto_ms <= after_ms:
            return 0
        return self._count_wild(after_ms, upto_ms) if self.cron.wild else self._count_fixed(after_ms, upto_ms)

    def shift_at(self, at_ms: int) -> Literal["gap", "fold"] | None:
        """What a clock change has to do with one of the instants.

        ``gap``: it makes up for a time that was skipped. ``fold``: the clock shows this time twice.
        """
        zone, index = self.zone, self.zone.index_at(at_ms)
        wall_ms = at_ms + zone.offsets_ms[index]
        if at_ms == zone.starts_ms[index] and not self.cron.wild and self.skips(index):
            return "gap"
        following = zone.repeated_ms(index + 1) if index + 1 < len(zone.starts_ms) else None
        for span in (zone.repeated_ms(index), following):
            if span is not None and span[0] <= wall_ms < span[1]:
                return "fold"
        return None

    def unreached(self, at_ms: int) -> int:
        """The first wall tick that the clock has never shown up to and including an instant."""
        zone = self.zone
        index = bisect_right(zone.starts_ms, at_ms) - 1
        wall_ms, front_ms = at_ms + zone.offsets_ms[index], zone.fronts_ms[index]
        return wall_ms // self.cron.unit_ms + 1 if wall_ms >= front_ms else self.tick_from(front_ms)

    def _next_wild(self, at_ms: int) -> int | None:
        starts_ms, offsets_ms, unit_ms = self.zone.starts_ms, self.zone.offsets_ms, self.cron.unit_ms
        index = bisect_right(starts_ms, at_ms) - 1
        begin = (at_ms + offsets_ms[index]) // unit_ms + 1
        while True:
            tick = self.cron.next_tick(begin)
            found_ms = None if tick is None else tick * unit_ms - offsets_ms[index]
            index += 1
            if index == len(starts_ms) or (found_ms is not None and found_ms < starts_ms[index]):
                return found_ms
            begin = self.tick_from(starts_ms[index] + offsets_ms[index])

    def _prev_wild(self, at_ms: int) -> int | None:
        starts_ms, offsets_ms, unit_ms = self.zone.starts_ms, self.zone.offsets_ms, self.cron.unit_ms
        index = bisect_right(starts_ms, at_ms) - 1
        while True:
            tick = self.cron.prev_tick((at_ms + offsets_ms[index]) // unit_ms)
            found_ms = None if tick is None else tick * unit_ms - offsets_ms[index]
            if index == 0 or (found_ms is not None and found_ms >= starts_ms[index]):
                return found_ms
            at_ms = starts_ms[index] - 1
            index -= 1

    def _count_wild(self, after_ms: int, upto_ms: int) -> int:
        zone, total = self.zone, 0
        last = zone.index_at(upto_ms)
        for index in range(zone.index_at(after_ms), last + 1):
            begin_ms = max(after_ms + 1, zone.starts_ms[index])
            end_ms = upto_ms + 1 if index == last else zone.starts_ms[index + 1]
            offset_ms = zone.offsets_ms[index]
            total += self.cron.count_ticks(
                self.tick_from(begin_ms + offset_ms), self.tick_from(end_ms + offset_ms)
            )
        return total

    def _count_fixed(self, after_ms: int, upto_ms: int) -> int:
        zone = self.zone
        total = self.cron.count_ticks(self.unreached(after_ms), self.unreached(upto_ms))
        for index in range(zone.index_at(after_ms) + 1, zone.index_at(upto_ms) + 1):
            total -= self._coalesced(index)
        return total

    def skips(self, index: int) -> int:
        """How many matching ticks the change into a segment skips."""
        span = self.zone.skipped_ms(index)
        return 0 if span is None else self.cron.count_ticks(self.tick_from(span[0]), self.tick_from(span[1]))

    def _coalesced(self, index: int) -> int:
        """How many fewer instants than matching ticks the change into a segment makes."""
        span = self.zone.skipped_ms(index)
        if span is None:
            return 0
        return max(0, self.cron.count_ticks(self.tick_from(span[0]), span[1] // self.cron.unit_ms + 1) - 1)

    def tick_from(self, wall_ms: int) -> int:
        """The first whole tick at or after a wall time."""
        return -(-wall_ms // self.cron.unit_ms)
