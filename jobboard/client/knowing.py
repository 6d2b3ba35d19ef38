"""Jobs as they stand, why they did or did not run, and how their runs have been going."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from jobboard.client.connection import Connection
from jobboard.client.values import Instant, Span, since_ms
from jobboard.store.boards import definitions
from jobboard.store.calls import clocks
from jobboard.store.runs import counts, overview, views, world
from jobboard.store.views import reasons

if TYPE_CHECKING:
    from jobboard.core.runs.facts import Explanation, JobFacts
    from jobboard.core.runs.tally import Tally
    from jobboard.store.runs.overview import Standing


class KnowingCalls(Connection):
    """What is asked about jobs."""

    def jobs(self, board: str | None = None) -> list[Standing]:
        """How jobs stand, by address: definition, when due, what lives, what was last.

        Args:
            board: Only those of this board; of ``loose``, those that are on none.

        Raises:
            errors.UsageError: There is no such board.
        """
        boards = definitions.read_boards(self._store)
        if board is not None:
            boards = {board: views.find_board(self._store, board)}
        return overview.survey(self._store, clocks.now_ms(self._store), boards=boards)

    def job(self, job: str) -> JobFacts:
        """What is known of a job: what is in force, when it is due, what holds it, its runs.

        Raises:
            errors.UsageError: There is none, and no run of it is left.
        """
        address = views.find_job_or_past(self._store, job)
        return world.read_job_facts(self._store, address, clocks.now_ms(self._store))

    def why(self, what: str) -> Explanation:
        """Why a job did or did not run, or a run is as it is, in sentences.

        Raises:
            errors.UsageError: There is no such job or run.
        """
        return reasons.explain(self._store, what, clocks.now_ms(self._store))[2]

    def stats(self, since: Span | Instant = "24h") -> dict[str, Tally]:
        """What ended in each queue: how many runs and how, how long they took and waited.

        Args:
            since: A span before now, or an instant: within two days to the minute, else to the UTC day.

        Raises:
            errors.UsageError: It is neither, or it is to come.
        """
        now_ms = clocks.now_ms(self._store)
        return counts.by_queue(self._store, since_ms(since, now_ms), now_ms)[0]

    def job_stats(self, job: str, since: Span | Instant = "30d") -> dict[date, Tally]:
        """What ended of one job, by UTC day; days without any are left out, and thirty are kept.

        Raises:
            errors.UsageError: There is no such job, or `since` is nothing of the kind.
        """
        now_ms = clocks.now_ms(self._store)
        address = views.find_job_or_past(self._store, job)
        days = counts.of_job(self._store, address, since_ms(since, now_ms), now_ms)
        return {datetime.fromtimestamp(at_ms / 1000, UTC).date(): tally for at_ms, tally in days.items()}
