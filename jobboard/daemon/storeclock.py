"""The store's clock, seen from here: a tracked offset to this machine's monotonic clock.

Only the store's clock decides when something is due. To sleep until then without asking again and again, each
answer that carries the store's now narrows down the offset: when the script ran, the store's clock read
between ``now`` and a millisecond more, and ours read between the instants of sending and receiving.
"""

from __future__ import annotations

from collections import deque

_KEPT = 64
"""Answers that are taken into account: enough to meet a quick one, few enough to follow a drifting clock."""


class StoreClock:
    """Estimates the store's clock; never ahead of it, and never going back.

    Spans are seconds of the monotonic clock that the caller reads; instants are milliseconds, the store's.
    """

    def __init__(self) -> None:
        self._bounds: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._latest_ms = 0

    @property
    def known(self) -> bool:
        """Whether the store has said its time yet."""
        return bool(self._bounds)

    def observe(self, now_ms: int, sent_s: float, received_s: float) -> int:
        """Take in an answer; the effective now, which is the greatest ever seen.

        Args:
            now_ms: What the store said.
            sent_s: Our clock before the call.
            received_s: Our clock after it.
        """
        low, high = now_ms / 1000 - received_s, (now_ms + 1) / 1000 - sent_s
        # An answer that contradicts an earlier one says that a clock was set: only the new one counts then.
        if any(low > other_high or high < other_low for other_low, other_high in self._bounds):
            self._bounds.clear()
        self._bounds.append((low, high))
        self._latest_ms = max(self._latest_ms, now_ms)
        return self._latest_ms

    def until_s(self, instant_ms: int, clock_s: float) -> float:
        """Seconds from `clock_s` of our clock until the store's has certainly reached the instant."""
        offset_s = max(low for low, _ in self._bounds)
        return instant_ms / 1000 - offset_s - clock_s
