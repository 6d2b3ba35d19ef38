"""The one module that reads a clock.

Instants are integer milliseconds since the Unix epoch, UTC. The store's clock decides everything that is
written (see `store/lua/include/now.lua`); this one serves sleeping, measuring and showing.
"""

from __future__ import annotations

import time


def now_ms() -> int:
    """This machine's wall clock, in milliseconds since the epoch. For display; it may step."""
    return time.time_ns() // 1_000_000


def monotonic_s() -> float:
    """Seconds on a clock that never steps; only differences mean anything."""
    return time.monotonic()


def monotonic_ms() -> int:
    """Milliseconds on a clock that never steps; only differences mean anything."""
    return time.monotonic_ns() // 1_000_000
