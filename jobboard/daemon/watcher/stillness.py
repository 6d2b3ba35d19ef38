"""Whether files have stayed the same for long enough to be meant: half a save does not stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.clock import monotonic_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STILL_MS = 3_000
"""How long they have to stay. Editors and copies write the rest of a file well within that."""


class Stillness:
    """Waits for each file that it is shown to be the same for `STILL_MS`; what others do is nothing to it.

    Args:
        clock: Milliseconds that never step back.
    """

    def __init__(self, clock: Callable[[], int] = monotonic_ms) -> None:
        self._clock = clock
        self._since: dict[tuple[str, str], int] = {}

    def reached(self, files: Mapping[str, str]) -> bool:
        """Whether all of these, by path and digest, have been as they are for long enough.

        Those that are shown no more are forgotten.
        """
        now_ms = self._clock()
        self._since = {file: self._since.get(file, now_ms) for file in files.items()}
        return not self._since or self.is_due

    def end(self) -> None:
        """Wait no more."""
        self._since = {}

    @property
    def is_due(self) -> bool:
        """Whether it waits, and has waited long enough: time to look again."""
        return bool(self._since) and self._clock() - max(self._since.values()) >= STILL_MS
