"""What running attempts say, on its way to the store: their output, and how far they are.

The worker holds it back while the store is away; how much that may be is bounded for each attempt, before it
comes here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from jobboard import clock, errors

if TYPE_CHECKING:
    from jobboard.daemon.worker.output import Piece
    from jobboard.store.runs.runs import Reserved, Runs

_PIECES_A_CALL = 64


class Outbox:
    """See the module; for one thread."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._output: dict[tuple[str, int, int], list[Piece]] = {}
        self._reports: dict[tuple[str, int], tuple[int | None, str]] = {}
        self._dropped: dict[tuple[str, int], int] = {}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return not (self._output or self._reports)

    def put_output(self, run: Reserved, piece: Piece) -> None:
        """Take a piece of an attempt's output."""
        self._output.setdefault((run.run_id, run.token, run.attempt), []).append(piece)

    def put_report(self, run: Reserved, percent: int | None, text: str) -> None:
        """Take what an attempt says of how far it is, in place of what it said before."""
        self._reports[run.run_id, run.token] = (percent, text)

    def dropped_bytes(self, run_id: str, token: int) -> int:
        """How much of an attempt's output the store had no room for."""
        return self._dropped.get((run_id, token), 0)

    def forget(self, run_id: str, token: int) -> None:
        """The attempt is over."""
        self._dropped.pop((run_id, token), None)

    def send_output(self) -> None:
        """Send all output there is, in order.

        Raises:
            errors.StoreUnreachable: The store is away; what was not sent stays here.
        """
        for place in tuple(self._output):
            run_id, token, attempt = place
            pieces = self._output[place]
            while pieces:
                bite = pieces[:_PIECES_A_CALL]
                try:
                    self._runs.output(
                        run_id,
                        token,
                        attempt,
                        [piece.content for piece in bite],
                        ago_ms=[_ago_ms(piece.at_s) for piece in bite],
                        streams=[piece.stream for piece in bite] if bite[0].stream else [],
                    )
                except errors.StoreRefused:
                    # Full: the output is lost and counted, the run is unharmed.
                    lost = sum(len(piece.content) for piece in bite)
                    self._dropped[run_id, token] = self.dropped_bytes(run_id, token) + lost
                del pieces[:_PIECES_A_CALL]
            del self._output[place]

    def send_reports(self) -> None:
        """Send what each attempt said last.

        Raises:
            errors.StoreUnreachable: The store is away.
        """
        while self._reports:
            (run_id, token), said = self._reports.popitem()
            with suppress(errors.StoreRefused):  # full: the next report may get through
                self._runs.report(run_id, token, *said)


def _ago_ms(at_s: float) -> int:
    return max(0, round(1000 * (clock.monotonic_s() - at_s)))
