"""Whether something has stayed the same for long enough to be meant: half a save does not stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.clock import monotonic_ms

if TYPE_CHECKING:
    from collections.abc import Callable

STILL_MS = 3_000
"""How long it has to stay. Editors and copies write the rest of a file well within that."""


class Stillness:
    """Waits for what it is shown to be the same for `STILL_MS`.

    Args:
        clock: Milliseconds that never step back.
    """

    def __init__(self, clock: Callable[[], int] = monotonic_ms) -> None:
        self._clock = clock
        self._seen: object = None
        self._since_ms: int | None = None

    def reached(self, what: object) -> bool:
        """Whether it has been this for long enough; the wait begins anew when it is something else."""
        if self._since_ms is None or what != self._seen:
            self._seen, self._since_ms = what, self._clock()
        return self.is_due

    def end(self) -> bool:
        """Wait no more; whether it did."""
        waited, self._seen, self._since_ms = self._since_ms is not None, None, None
        return waited

    @property
    def is_due(self) -> bool:
        """Whether it waits, and has waited long enough: time to look again."""
        return self._since_ms is not None and self._clock() - self._since_ms >= STILL_MS
