"""Instants less those that are left out: gone, or put off to the first instant after.

What is left out comes in **blocks**: ranges and minutes that touch are one. Whether an instant is left out is
judged by itself and by what the clock shows then, so the answer is the same whenever it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.core.times.blocks import blocks
from jobboard.core.times.nominals import DUSK_MS

if TYPE_CHECKING:
    from jobboard.core.times.nominals import Nominals
    from jobboard.core.times.wallset import Mixed
    from jobboard.core.times.zone import Zone

_MINUTE_MS = 60_000
# So many blocks in a row without an instant between them: what is left out leaves nothing.
_MOST_BLOCKS = 10_000


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is left out.

    Attributes:
        begins_ms: The first instant of each range, in order.
        ends_ms: The first after it.
        minutes: Minutes of the wall clock; None if there are none.
        zone: Whose wall clock that is.
    """

    begins_ms: tuple[int, ...]
    ends_ms: tuple[int, ...]
    minutes: Mixed | None
    zone: Zone

    def end_of(self, at_ms: int) -> int | None:
        """The first instant after the block that an instant lies in; None if it is not left out."""
        end_ms = at_ms
        while (piece := self._piece(end_ms)) is not None and end_ms < DUSK_MS:
            end_ms = piece[1]
        return end_ms if end_ms > at_ms else None

    def begin_of(self, at_ms: int) -> int:
        """The first instant of the block that an instant lies in; itself if it is not left out."""
        begin_ms = at_ms + 1
        while begin_ms > 0 and (piece := self._piece(begin_ms - 1)) is not None:
            begin_ms = piece[0]
        return min(begin_ms, at_ms)

    def _piece(self, at_ms: int) -> tuple[int, int] | None:
        """A part of the block that an instant lies in, with the instant."""
        index = bisect_right(self.begins_ms, at_ms) - 1
        if index >= 0 and at_ms < self.ends_ms[index]:
            return self.begins_ms[index], self.ends_ms[index]
        return None if self.minutes is None else self._minutes_at(self.minutes, at_ms)

    def _minutes_at(self, minutes: Mixed, at_ms: int) -> tuple[int, int] | None:
        """The minutes on end, within one offset of the zone, that are left out around an instant."""
        starts_ms, index = self.zone.starts_ms, self.zone.index_at(at_ms)
        offset_ms = self.zone.offsets_ms[index]
        tick = (at_ms + offset_ms) // _MINUTE_MS
        if not minutes.count_ticks(tick, tick + 1):
            return None
        before, after = minutes.prev_free(tick), minutes.next_free(tick)
        begin_ms = 0 if before is None else (before + 1) * _MINUTE_MS - offset_ms
        end_ms = DUSK_MS if after is None else after * _MINUTE_MS - offset_ms
        if index + 1 < len(starts_ms):
            end_ms = min(end_ms, starts_ms[index + 1])
        return max(begin_ms, starts_ms[index]), end_ms


@dataclass(frozen=True, slots=True)
class Windowed:
    """Instants from one on and before another."""

    nominals: Nominals
    start_ms: int
    stop_ms: int

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        found_ms = self.nominals.next_after(max(at_ms, self.start_ms - 1))
        return found_ms if found_ms is not None and found_ms < self.stop_ms else None

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one."""
        found_ms = self.nominals.prev_at(min(at_ms, self.stop_ms - 1))
        return found_ms if found_ms is not None and found_ms >= self.start_ms else None

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        begin_ms, end_ms = max(after_ms, self.start_ms - 1), min(upto_ms, self.stop_ms - 1)
        return self.nominals.count(begin_ms, end_ms) if begin_ms < end_ms else 0


@dataclass(frozen=True, slots=True)
class Skipping:
    """Instants without those that are left out."""

    nominals: Nominals
    excluded: Exclusions

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        for _ in range(_MOST_BLOCKS):
            found_ms = self.nominals.next_after(at_ms)
            end_ms = None if found_ms is None else self.excluded.end_of(found_ms)
            if end_ms is None:
                return found_ms
            at_ms = end_ms - 1
        return None

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one."""
        for _ in range(_MOST_BLOCKS):
            found_ms = self.nominals.prev_at(at_ms)
            if found_ms is None or self.excluded.end_of(found_ms) is None:
                return found_ms
            at_ms = self.excluded.begin_of(found_ms) - 1
        return None

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        total = self.nominals.count(after_ms, upto_ms)
        for begin_ms, end_ms in blocks(self.excluded, after_ms + 1, upto_ms + 1):
            total -= self.nominals.count(begin_ms - 1, end_ms - 1)
        return total


@dataclass(frozen=True, slots=True)
class Deferring:
    """Instants of which those that are left out come later: once, at the end of their block."""

    nominals: Nominals
    excluded: Exclusions

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        end_ms = self.excluded.end_of(at_ms)
        if end_ms is not None and self._is_due(self.excluded.begin_of(at_ms), end_ms):
            return end_ms if end_ms < DUSK_MS else None
        found_ms = self.nominals.next_after(at_ms if end_ms is None else end_ms - 1)
        if found_ms is None:
            return None
        later_ms = self.excluded.end_of(found_ms)
        if later_ms is not None and later_ms >= DUSK_MS:
            return None
        return found_ms if later_ms is None else later_ms

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one."""
        found_ms = self.nominals.prev_at(at_ms)
        end_ms = None if found_ms is None else self.excluded.end_of(found_ms)
        if found_ms is None or end_ms is None:
            return found_ms
        return end_ms if end_ms <= at_ms else self.prev_at(self.excluded.begin_of(found_ms) - 1)

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        total = Skipping(self.nominals, self.excluded).count(after_ms, upto_ms)
        for begin_ms, end_ms in blocks(self.excluded, self.excluded.begin_of(after_ms), upto_ms + 1):
            if after_ms < end_ms <= upto_ms and self.nominals.count(begin_ms - 1, end_ms - 1):
                total += not self.nominals.count(end_ms - 1, end_ms)
        return total

    def _is_due(self, begin_ms: int, end_ms: int) -> bool:
        found_ms = self.nominals.next_after(begin_ms - 1)
        return found_ms is not None and found_ms < end_ms
