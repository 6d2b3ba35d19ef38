"""Runs: made, moved, called off, run again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.client.values import Instant, Span, instant_ms, instant_text, past_ms, span_ms
from jobboard.client.watching import WatchCalls
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.calls import clocks
from jobboard.store.runs import pushes, reschedule, retries, views
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from jobboard.store.runs.pushes import Pushed
    from jobboard.store.runs.retries import Retried


class RunCalls(WatchCalls):
    """What is done with runs."""

    def push(
        self,
        queue: str | None = None,
        *,
        job: str | None = None,
        name: str | None = None,
        payload: Any = None,
        id: str | None = None,  # noqa: A002 - the word the command line and the record use
        delay: Span | None = None,
        at: Instant | None = None,
        expires: Span | None = None,
        after: Sequence[str] = (),
        replace: bool = False,
        reason: str = "",
        **keys: Any,
    ) -> Pushed:
        """Run something once: a command, or a job with a payload of its own.

        Args:
            queue: Where a command waits for a worker; `keys` then hold its ``run`` or ``exec``.
            job: The job to run instead; `keys` are set over its definition for this run.
            name: What a command's runs are listed under; without one, the queue.
            payload: What the command reads on standard input: a text, or a value that becomes JSON.
            id: What the run id ends in. A second push of it within a fortnight leaves the first alone.
            delay: It does not run before so long from now.
            at: Or not before this instant.
            expires: It is skipped if it has not started within this.
            after: Run ids that have to end ok first.
            replace: Take the place of a run of this `id` that has not started; run it anew if it is over.
            reason: Why, for the record.
            **keys: Keys of a job, as on a board.

        Raises:
            errors.UsageError: Something that a board could not hold either; no such job or run.
            errors.Refused: The run to be replaced has started, or one of `after` did not end ok.
        """
        if (queue is None) == (job is None):
            raise errors.UsageError("a push needs a queue or a job", "give one of them")
        parcel = make_parcel(
            self._store,
            queue=queue,
            job=views.find_job(self._store, job) if job is not None else None,
            keys=keys,
            payload=payload if payload is None or isinstance(payload, str) else json.dumps(payload),
            name=name,
            at=instant_text(at),
            id=id,
            delay_ms=span_ms(delay) or 0,
            expires_in_ms=span_ms(expires),
            after=tuple(after),
            replace=replace,
            reason=reason,
        )
        (pushed,) = pushes.push(self._store, [parcel], by=self._settings.actor)
        return pushed

    def depend(self, run: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> str:
        """Change which runs a pushed run waits for, while it has not started; its state afterwards.

        Raises:
            errors.UsageError: A run is not known.
            errors.Refused: It has started, one to wait for did not end ok, or it would wait for itself.
        """
        return pushes.depend(self._store, run, add=add, remove=remove)

    def start(
        self,
        job: str,
        *,
        reason: str = "",
        force: bool = False,
        respect_overlap: bool = False,
        with_dependents: bool = False,
    ) -> Pushed:
        """Run a job now, by hand; as of a push, its run, with the outcome ``started``.

        Args:
            job: ``board/job``, or the job alone where that is unique.
            reason: Why, for the record.
            force: Although it is paused or disabled.
            respect_overlap: Not while another run of it is unfinished.
            with_dependents: Let what runs after it follow, under the same nominal.

        Raises:
            errors.UsageError: There is no such job.
            errors.Refused: Something stands in the way; the message says what.
        """
        run_id = Runs(self._store).start_run(
            views.find_job(self._store, job),
            by=self._settings.actor,
            reason=reason,
            force=force,
            respect_overlap=respect_overlap,
            with_dependents=with_dependents,
        )
        return pushes.Pushed(run_id, "started")

    def cancel(self, run: str) -> bool:
        """Call a run off; False where it is over already. A running one is ended by its worker.

        Raises:
            errors.UsageError: There is no such run.
        """
        return Runs(self._store).cancel(self.run(run).run_id, self._settings.actor) in (
            "CANCELLED",
            "STOPPING",
        )

    def reschedule(
        self,
        run: str,
        *,
        at: Instant | None = None,
        delay: Span | None = None,
        queue: str | None = None,
        priority: int | None = None,
    ) -> str:
        """Change when a run that has not started runs, where, and before whom; its state afterwards.

        Args:
            run: The run; it keeps its age.
            at: Not before this instant; one that is past is now.
            delay: Or not before so long from now.
            queue: The queue it is to wait in.
            priority: Higher goes first.

        Raises:
            errors.UsageError: There is no such run, or an instant or a span is none.
            errors.Refused: It has started, is over or about to be skipped, or would expire before.
        """
        run_id = self.run(run).run_id
        ((tag, state),) = reschedule.reschedule(
            self._store,
            [run_id],
            by=self._by(None),
            queue=queue,
            priority=priority,
            due_ms=instant_ms(at),
            delay_ms=span_ms(delay),
        )
        if tag != "OK":
            raise errors.Refused(f"{run_id} cannot wait otherwise: {tag.lower()}")
        return state

    def retry(self, run: str, *, reason: str = "", force: bool = False) -> bool:
        """Have a run that did not end well run again, under its own id; of a job, its last.

        Args:
            run: The run.
            reason: Why, for the record.
            force: Although the job is paused or disabled.

        Returns:
            False where it is not over, ended ok, or cannot run any more.

        Raises:
            errors.UsageError: There is no such run.
        """
        done = retries.retry_one(
            self._store, self.run(run), by=self._settings.actor, reason=reason, force=force
        )
        return done.outcome in ("retried", "already")

    def retry_all(
        self,
        *,
        job: str | None = None,
        board: str | None = None,
        group: str | None = None,
        since: Span | Instant | None = None,
        states: Collection[str] = ("failed", "lost"),
        reason: str = "",
        force: bool = False,
    ) -> list[Retried]:
        """Have every run that did not end well run again, oldest first; what became of each.

        Args:
            job: Those of this job.
            board: Those of this board.
            group: Those that ended in this group of failures, or for this reason.
            since: Those that ended within this span, or since this instant.
            states: Those that ended so: ``failed``, ``lost``, ``cancelled``, ``skipped``.
            reason: Why, for the record.
            force: Although a job is paused or disabled.

        Raises:
            errors.UsageError: There is no such job.
        """
        address = None if job is None else views.find_job_or_past(self._store, job)
        wanted = retries.matching(job=address, board=board, group=group, states=states)
        from_ms = None if since is None else past_ms(since, clocks.now_ms(self._store))
        found = retries.failures(self._store, wanted, since_ms=from_ms).found
        return retries.retry(self._store, found, by=self._settings.actor, reason=reason, force=force)
