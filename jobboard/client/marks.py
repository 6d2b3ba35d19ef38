"""Runs marked with tags, tracked, and removed for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.client.connection import Connection
from jobboard.store.runs import destroy, marks, views

if TYPE_CHECKING:
    from collections.abc import Sequence


class MarkCalls(Connection):
    """What people do with runs beside running them."""

    def tag(self, run: str, *add: str, remove: Sequence[str] = ()) -> tuple[str, ...]:
        """Mark a run with tags, live or over; of a job, its latest. Its tags then.

        Args:
            run: The run.
            *add: Tags to give it.
            remove: Tags to take off it.

        Raises:
            errors.UsageError: There is no such run, or something cannot be a tag.
            errors.Refused: It would have more than a hundred.
        """
        found = views.find_run(self._store, run)
        return marks.mark(self._store, found, by=self._by(None), add=add, remove=remove).tags

    def track(self, run: str) -> None:
        """Keep what is known of a run, live or over, until `untrack`.

        Raises:
            errors.UsageError: There is no such run.
            errors.Refused: A thousand are tracked already.
        """
        marks.mark(self._store, views.find_run(self._store, run), by=self._by(None), tracked=True)

    def untrack(self, run: str) -> None:
        """End that.

        Raises:
            errors.UsageError: There is no such run.
        """
        marks.mark(self._store, views.find_run(self._store, run), by=self._by(None), tracked=False)

    def destroy(self, run: str, *, force: bool = False, reason: str | None = None) -> bool:
        """Remove what is known of a run for good.

        Args:
            run: The run; what has not started is called off.
            force: Although it runs: it is stopped, and gone when it is over.
            reason: Why, for the audit.

        Returns:
            False where it was gone already.

        Raises:
            errors.UsageError: There is no such run.
            errors.Refused: It runs, and there is no `force`.
        """
        found, job = views.find_run_and_job(self._store, run)
        done = destroy.destroy(self._store, found, by=self._by(reason), force=force, job=job)
        if done.outcome == "running":
            raise errors.Refused(f"{found.run_id} runs", "cancel it first, or force it")
        return done.outcome != "unknown"
