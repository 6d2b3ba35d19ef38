"""Timers for a loop that waits on descriptors: ask how long to wait, then fire what is due.

Instants are seconds on the monotonic clock.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from jobboard.clock import monotonic_s

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer:
    """Something to do at an instant. Compared by instant, then by age."""

    __slots__ = ("_order", "act", "at_s")

    def __init__(self, at_s: float, order: int, act: Callable[[], None]) -> None:
        self.at_s = at_s
        self._order = order
        self.act: Callable[[], None] | None = act

    def __lt__(self, other: Timer) -> bool:
        return (self.at_s, self._order) < (other.at_s, other._order)

    def cancel(self) -> None:
        """Do nothing when the instant comes. Safe to call at any time."""
        self.act = None


class Timers:
    """The timers of one loop."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._count = 0

    def at(self, at_s: float, act: Callable[[], None]) -> Timer:
        """Do `act` at an instant on the monotonic clock."""
        self._count += 1
        timer = Timer(at_s, self._count, act)
        heapq.heappush(self._heap, timer)
        return timer

    def after(self, span_s: float, act: Callable[[], None]) -> Timer:
        """Do `act` after a span."""
        return self.at(monotonic_s() + span_s, act)

    def wait_s(self) -> float | None:
        """How long the loop may wait; None for as long as it likes."""
        while self._heap and self._heap[0].act is None:
            heapq.heappop(self._heap)
        return max(0.0, self._heap[0].at_s - monotonic_s()) if self._heap else None

    def fire(self) -> None:
        """Do everything that is due."""
        now_s = monotonic_s()
        while self._heap and self._heap[0].at_s <= now_s:
            timer = heapq.heappop(self._heap)
            if timer.act is not None:
                timer.act()
