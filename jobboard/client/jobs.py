"""Jobs of no board: made, changed and removed; and holds, on them and on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.client.connection import Connection
from jobboard.client.values import Instant, checked_scope, instant_ms
from jobboard.reconcile import loose, removing
from jobboard.store import holds, views

if TYPE_CHECKING:
    from jobboard.reconcile.loose import Put


class JobCalls(Connection):
    """What is done with jobs."""

    def put(self, name: str, *, reason: str | None = None, **keys: Any) -> Put:
        """Make a job that is on no board, or let it be what is said here: all of it.

        Raises:
            errors.UsageError: A name or a key that a board could not hold either.
        """
        return loose.put_job(self._store, name, keys, by=self._by(reason))

    def create(self, name: str, *, reason: str | None = None, **keys: Any) -> Put:
        """As `put`, only where there is no job of that name.

        Raises:
            errors.Refused: There is.
            errors.UsageError: As `put`.
        """
        return loose.put_job(self._store, name, keys, by=self._by(reason), create=True)

    def remove(self, job: str, *, reason: str | None = None) -> None:
        """Remove a job. Of one on a board, every plan says so and why, until its file says the same.

        Raises:
            errors.UsageError: There is none; or it is on a board, and there is no reason.
            errors.Refused: It is protected, or another job runs after it.
        """
        removing.remove_job(self._store, views.find_job(self._store, job), by=self._by(reason))

    def undelete(self, address: str, *, reason: str | None = None) -> str:
        """Bring a job back that was removed or destroyed; the address it has then.

        Raises:
            errors.UsageError: It is there, or nothing is known of it.
        """
        return removing.restore_job(self._store, address, by=self._by(reason))

    def pause(self, scope: str, *, reason: str | None = None, until: Instant | None = None) -> None:
        """Put a hold on ``job:BOARD/JOB``, ``board:NAME``, ``tag:NAME``, ``queue:NAME`` or ``all``."""
        until_ms = instant_ms(until)
        holds.pause(self._store, checked_scope(scope), by=self._by(reason), reason=reason, until_ms=until_ms)

    def resume(self, scope: str) -> int:
        """End the holds of one scope, and of that scope only; how many there were."""
        return holds.resume(self._store, checked_scope(scope), by=self._by(None))
