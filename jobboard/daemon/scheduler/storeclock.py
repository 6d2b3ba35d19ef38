"""The store's clock, seen from here: a tracked offset to this machine's monotonic clock.

Only the store's clock decides when something is due. To sleep until then without asking again and again, each
answer that carries the store's now narrows down the offset: when the script ran, the store's clock read
``now``, and ours something between the instants of sending and receiving. What is sent takes a while to get
there, so whoever wants to be there at an instant sets out before it by the shortest while that was seen.
"""

from __future__ import annotations

from collections import deque

_KEPT = 64
"""Answers that are taken into account: enough to meet a quick one, few enough to follow a drifting clock."""

_MICROSECOND_MS = 0.001


class StoreClock:
    """Estimates the store's clock; never going back.

    Spans are seconds of the monotonic clock that the caller reads; instants are milliseconds, the store's.
    """

    def __init__(self) -> None:
        self._bounds: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._offset_s = 0.0
        self._latest_ms = 0

    @property
    def known(self) -> bool:
        """Whether the store has said its time yet."""
        return bool(self._bounds)

    def observe(self, now_ms: float, sent_s: float, received_s: float) -> int:
        """Take in an answer; the effective now, which is the greatest ever seen.

        Args:
            now_ms: What the store said, to the microsecond.
            sent_s: Our clock before the call.
            received_s: Our clock after it.
        """
        low, high = now_ms / 1000 - received_s, (now_ms + _MICROSECOND_MS) / 1000 - sent_s
        # An answer that contradicts an earlier one says that a clock was set: only the new one counts then.
        if any(low > other_high or high < other_low for other_low, other_high in self._bounds):
            self._bounds.clear()
        self._bounds.append((low, high))
        self._offset_s = min(high for _, high in self._bounds)
        self._latest_ms = max(self._latest_ms, int(now_ms))
        return self._latest_ms

    def until_s(self, instant_ms: int, clock_s: float) -> float:
        """Seconds from `clock_s` of our clock until a call is to leave that is carried out at the instant.

        One that gets there faster than any before is carried out that much before it.
        """
        return instant_ms / 1000 - self._offset_s - clock_s
