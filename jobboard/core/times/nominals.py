"""Where nominal instants come from, besides cron: an anchored interval, a list, and the ends of runs.

All are pure: the same instants whenever and wherever they are asked for. Instants are ms since the epoch.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Protocol

# 2201-01-01T00:00:00Z: schedules end here, as the zone tables do.
DUSK_MS = 7_289_654_400_000


class Nominals(Protocol):
    """Instants in order, without end or with one."""

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        ...

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one; how far before 1970 they reach is left open."""
        ...

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        ...


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so often, counted from an anchor in both directions; elapsed time, so no clock change matters."""

    every_ms: int
    anchor_ms: int

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        found_ms = at_ms - (at_ms - self.anchor_ms) % self.every_ms + self.every_ms
        return found_ms if found_ms < DUSK_MS else None

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one, never before 1970."""
        found_ms = at_ms - (at_ms - self.anchor_ms) % self.every_ms
        return found_ms if found_ms >= 0 else None

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        if upto_ms <= after_ms:
            return 0
        return (upto_ms - self.anchor_ms) // self.every_ms - (after_ms - self.anchor_ms) // self.every_ms


@dataclass(frozen=True, slots=True)
class Instants:
    """A sorted list of instants, each once."""

    at_ms: tuple[int, ...]

    def next_after(self, at_ms: int) -> int | None:
        """The first instant strictly after one."""
        index = bisect_right(self.at_ms, at_ms)
        return self.at_ms[index] if index < len(self.at_ms) else None

    def prev_at(self, at_ms: int) -> int | None:
        """The last instant at or before one."""
        index = bisect_right(self.at_ms, at_ms)
        return self.at_ms[index - 1] if index else None

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many instants there are after one and up to another, that one included."""
        return max(0, bisect_right(self.at_ms, upto_ms) - bisect_right(self.at_ms, after_ms))


@dataclass(frozen=True, slots=True)
class Following:
    """A while after each run ends, which nobody can say beforehand: any instant may be one.

    What is told of them is told as if runs took no time: they never come closer than that.
    """

    delay_ms: int

    def next_after(self, at_ms: int) -> int | None:
        """When the next one comes, of a run that ends at an instant."""
        found_ms = at_ms + self.delay_ms
        return found_ms if found_ms < DUSK_MS else None

    def prev_at(self, at_ms: int) -> int | None:
        """The instant itself."""
        return at_ms if at_ms >= 0 else None

    def count(self, after_ms: int, upto_ms: int) -> int:
        """How many there are at most after one instant and up to another, that one included."""
        return max(0, upto_ms - after_ms) // self.delay_ms
