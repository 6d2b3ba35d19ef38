"""A day walked through by hand: the clock goes to an instant, a scheduler looks, runs end as told."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from jobboard.core.times.instant import parse_instant
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.store.runs import past
from kit.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.runs.record import Record
    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved
    from kit.clock import StoreClock


WEEK_MS = 7 * 86_400_000


class Walk:
    """One walk through the jobs of a board.

    Args:
        store: Where they are.
        clock: Of that store.
        day: The date that instants are of, like ``2026-03-02``.
        board: The board of jobs that are named without one.
    """

    def __init__(self, store: Store, clock: StoreClock, day: str, board: str) -> None:
        self.store, self._clock, self._day, self._board = store, clock, day, board
        self._story = Story(store)
        self._scheduler = Looking(store, name="walker")
        self._story.worker(lease_ms=WEEK_MS)

    def close(self) -> None:
        """Let go of the scheduler's connection."""
        self._scheduler.close()

    def to(self, time: str) -> None:
        """Go to a time of the day, or to an instant, and let a scheduler do all that is due by then."""
        self._clock.set(parse_instant(f"{self._day}T{time}Z" if "-" not in time else time))
        for _ in range(4):
            self._scheduler.look()

    def reserve(self) -> dict[str, Reserved]:
        """What a worker gets now, by job and time of the nominal: ``load@02:30``."""
        return {self._brief(run.run_id): run for run in self._story.reserve()}

    def end(self, run: Reserved, verdict: Word = "ok") -> None:
        """End a run; a scheduler looks."""
        self._story.finish(run, verdict)
        self._scheduler.look()

    def run(self, *verdicts: Word) -> list[str]:
        """Reserve all there is and end it, each in turn as told, the rest ok; what it was."""
        found = self.reserve()
        rest: repeat[Word] = repeat("ok")
        for run, verdict in zip(found.values(), chain(verdicts, rest), strict=False):
            self.end(run, verdict)
        return sorted(found)

    def live(self, job: str) -> list[tuple[str, tuple[str, ...]]]:
        """State of a job's unfinished runs, and what each waits for."""
        return [
            (run.state, tuple(map(self._brief, run.needs)))
            for run in past.live_runs(self.store, f"{self._board}/{job}")
        ]

    def last(self, job: str) -> list[tuple[str, str]]:
        """State and reason of a job's records, newest first."""
        records: list[Record] = past.last_records(self.store, f"{self._board}/{job}")
        return [(record.state, record.reason or "") for record in records]

    def _brief(self, run_id: str) -> str:
        shown = run_id.removeprefix(f"{self._board}/").replace(f"{self._day}T", "")
        return shown.removesuffix(":00Z")


class Looking(Scheduler):
    """A scheduler that looks when it is told to."""

    def look(self) -> None:
        self._nudged.set()
        self.turn()

    def close(self) -> None:
        self._calling.close()
        self._store.close()


@contextmanager
def walking(store: Store, clock: StoreClock, **of: Any) -> Iterator[Walk]:
    """A walk that is closed at its end."""
    walk = Walk(store, clock, **of)
    try:
        yield walk
    finally:
        walk.close()
