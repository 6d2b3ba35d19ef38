"""Jobs: those of no board made and removed; any of them edited, overridden, held, passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.client.connection import Connection
from jobboard.client.values import Instant, Span, end_ms
from jobboard.core.scope import queue_scope, tag_scope
from jobboard.reconcile import live, loose, overriding, removing, resetting, skipping
from jobboard.store.boards import holds
from jobboard.store.calls import clocks
from jobboard.store.runs import overview, views
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from jobboard.core.jobs.override import Override
    from jobboard.core.runs.facts import Hold
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

    def edit(self, job: str, *, reason: str | None = None, **keys: Any) -> tuple[str, ...]:
        """Change keys of a job where it runs, ahead of its board; the paths that moved.

        Every plan shows them as drift until the board says the same.

        Args:
            job: ``board/job``, or the job alone where that is unique.
            reason: Why, for the audit.
            **keys: As on a board: ``timeout="2h"``, ``**{"env.LANG": "C"}``; None for the built-in default.

        Raises:
            errors.UsageError: There is no such job, or a board could not say that either.
        """
        address = views.find_job(self._store, job)
        now_ms = clocks.now_ms(self._store)
        edited = live.edit_job(self._store, address, keys, by=self._by(reason), now_ms=now_ms)
        return tuple(field.path for field in edited.fields)

    def override(
        self, job: str, *, reason: str, until: Instant | None = None, for_: Span | None = None, **keys: Any
    ) -> tuple[Override, ...]:
        """Lay values over a job's definition for a time; no sync touches them, and they end by themselves.

        Args:
            job: The job.
            reason: Why, for all who see the plan.
            until: When they end; or
            for_: how long they last. With neither, until they are cleared.
            **keys: As for `edit`.

        Raises:
            errors.UsageError: There is no such job, or a board could not say that either.
        """
        until_ms = end_ms(until, for_, clocks.now_ms(self._store))
        address = views.find_job(self._store, job)
        done = overriding.set_overrides(
            self._store, address, keys, reason=reason, until_ms=until_ms, by=self._by(reason)
        )
        return done.moved

    def clear_override(self, job: str, *keys: str, reason: str | None = None) -> tuple[Override, ...]:
        """Take overrides off a job: those of some keys, or all; which they were.

        Raises:
            errors.UsageError: There is no such job, or a key is not overridden.
        """
        address = views.find_job(self._store, job)
        done = overriding.clear_overrides(self._store, address, keys or None, by=self._by(reason))
        return done.moved

    def skip_next(self, job: str, count: int | None = 1, *, reason: str | None = None) -> int:
        """Pass over the next runs that a job's schedule, or the jobs before it, would start.

        Args:
            job: The job.
            count: How many; None for none after all.
            reason: Why, for the records of what was skipped.

        Returns:
            How many were to be skipped before.

        Raises:
            errors.UsageError: There is no such job, or it is run by hand.
        """
        address = views.find_job(self._store, job)
        return skipping.skip_runs(self._store, address, count, by=self._by(reason), reason=reason)

    def reset(self, job: str, *, reason: str | None = None) -> int:
        """Count the runs of a job with ``runs`` anew; how many were made until now.

        Raises:
            errors.UsageError: There is no such job, or it runs without a limit.
        """
        address = views.find_job(self._store, job)
        return resetting.reset_runs(self._store, address, by=self._by(reason))

    def pause(
        self,
        what: str | None = None,
        *,
        tag: str | None = None,
        queue: str | None = None,
        all: bool = False,  # noqa: A002 - the word of the command line
        reason: str | None = None,
        until: Instant | None = None,
        for_: Span | None = None,
        stop: bool = False,
    ) -> str:
        """Put a hold on a job, a board, a tag, a queue or everything; its scope, as `holds` names it.

        Args:
            what: A job, or a whole board; or
            tag: every job with this tag, also later ones; or
            queue: a queue, whose runs stay in it; or
            all: everything.
            reason: Why, for all who ask later.
            until: When it ends by itself; or
            for_: how long it lasts. With neither, until `resume` ends it.
            stop: Call off what runs of it, too.

        Raises:
            errors.UsageError: Not one of the four is named, or it is not there; or the end is past.
        """
        scope = self._scope(what, tag, queue, everything=all)
        until_ms = end_ms(until, for_, clocks.now_ms(self._store))
        at_ms = holds.pause(self._store, scope, by=self._by(reason), reason=reason, until_ms=until_ms)
        if stop:
            running, _ = overview.unfinished(self._store, overview.covered_by(self._store, scope, at_ms))
            for run in running:
                Runs(self._store).cancel(run.run_id, self._settings.actor)
        return scope

    def resume(
        self,
        what: str | None = None,
        *,
        tag: str | None = None,
        queue: str | None = None,
        all: bool = False,  # noqa: A002 - the word of the command line
        reason: str | None = None,
    ) -> int:
        """End the holds of one scope, named as for `pause`, and of that scope only; how many there were.

        Raises:
            errors.UsageError: Not one of the four is named, or it is not there.
        """
        scope = self._scope(what, tag, queue, everything=all)
        return holds.resume(self._store, scope, by=self._by(reason))

    def _scope(self, what: str | None, tag: str | None, queue: str | None, *, everything: bool) -> str:
        if sum((what is not None, tag is not None, queue is not None, everything)) != 1:
            raise errors.UsageError("name one: a job, a board, tag=, queue= or all=True", "as in ops/backup")
        if what is not None:
            return views.find_scope(self._store, what)
        if tag is not None:
            return tag_scope(tag)
        return "all" if queue is None else queue_scope(queue)

    def holds(self) -> dict[str, list[Hold]]:
        """Every hold there is, by scope."""
        return holds.read_holds(self._store, clocks.now_ms(self._store))
