"""Queues, locks, workers and what is kept: seen as a whole, and taken in hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.client.connection import Connection
from jobboard.client.values import span_ms
from jobboard.core.jobs.bound import bound_named
from jobboard.store.calls import clocks
from jobboard.store.runs import config, heldlocks, inbox, incidents, queues, trimming, views, world
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from jobboard.client.values import Span
    from jobboard.core.runs.facts import Incident, Worker
    from jobboard.store.runs.config import Setting
    from jobboard.store.runs.heldlocks import LockStanding
    from jobboard.store.runs.inbox import Inbox, Rejected
    from jobboard.store.runs.queues import Standing


class OperatorCalls(Connection):
    """What is done with that which runs have in common."""

    def queues(self) -> list[Standing]:
        """Every queue: how many runs wait in it and for how long, who serves it, what limits it."""
        return queues.survey(self._store, clocks.now_ms(self._store))

    def limit(
        self,
        queue: str,
        *,
        limit: int | None = None,
        rate: tuple[int, Span] | None = None,
        aging: Span | None = None,
    ) -> None:
        """Set what rules a queue over all workers; what is not said is not limited.

        Args:
            queue: The queue.
            limit: How many runs at once.
            rate: How many may begin in a span: ``(30, "1m")``.
            aging: After how long a wait a run goes before those of any priority.

        Raises:
            errors.UsageError: It is no queue, or nothing at all could run.
        """
        pace = None if rate is None else (rate[0], span_ms(rate[1]))
        queues.limit(self._store, queue, by=self._by(None), limit=limit, rate=pace, aging_ms=span_ms(aging))

    def trim(self, queue: str, *, keep: int | None = None, older: Span | None = None) -> list[str]:
        """Call off what waits in a queue; the runs that were.

        Args:
            queue: The queue.
            keep: How many stay, the first in line; or
            older: What has been waiting for longer.

        Raises:
            errors.UsageError: It is no queue, or not one of the two is said.
        """
        runs = trimming.beyond(self._store, queue, keep=keep, older_ms=span_ms(older))
        became = trimming.call_off(self._store, runs, actor=self._settings.actor)
        return [run for run, outcome in became.items() if outcome == "cancelled"]

    def locks(self) -> list[LockStanding]:
        """Every lock, with the runs that hold it and those that wait for it."""
        return heldlocks.survey(self._store)

    def break_lock(self, lock: str, *, reason: str, run: str | None = None) -> str:
        """Take a lock away from its holder; the run that held it, and goes on without it.

        Args:
            lock: The lock.
            reason: Why, for those who see the run.
            run: The holder, where there are several.

        Raises:
            errors.UsageError: There is no such lock or run, or several hold it and none is named.
            errors.Refused: Nobody holds it, or the run does not.
        """
        return heldlocks.take_away(self._store, lock, run, by=self._by(reason))

    def workers(self) -> list[Worker]:
        """Every worker: where it runs, what it serves and holds, until when it is believed to live."""
        return world.read_workers(self._store)

    def drain(self, worker: str, *, reason: str | None = None) -> int:
        """Let a worker take nothing new and stop once what it runs has ended; how many runs that are.

        Raises:
            errors.UsageError: There is no such worker, or several go by that name.
        """
        found = views.find_worker(self._store, worker)
        Runs(self._store).drain(found.name, by=self._by(reason))
        return found.held

    def forget(self, worker: str, *, reason: str | None = None) -> int:
        """Give up a worker whose host is gone, before its lease ends; how many runs of it are lost.

        Raises:
            errors.UsageError: There is no such worker, or several go by that name.
        """
        found = views.find_worker(self._store, worker)
        return Runs(self._store).lost(found.name, by=self._by(reason))

    def incidents(self) -> list[Incident]:
        """What should have happened by now and has not, the oldest first."""
        return incidents.read_incidents(self._store)

    def inboxes(self) -> list[Inbox]:
        """The inboxes that are read or have entries: how many wait, and who reads them."""
        return inbox.read_inboxes(self._store, clocks.now_ms(self._store))

    def rejected(self) -> list[Rejected]:
        """What came in inboxes and is no run, with what is wrong with it, newest first."""
        return inbox.read_rejected(self._store)

    def sort_out(self, *ids: str, again: bool = False) -> int:
        """Drop entries that are set aside, or with `again` put them back; how many that were.

        One that is kept in part only, as it was too large, cannot go back and stays.
        """
        return inbox.sort_out(self._store, ids, again=again, by=self._by(None))[0]

    def config(self) -> dict[str, Setting]:
        """How much of the past is kept, by the name of the setting."""
        return config.read_settings(self._store)

    def configure(self, name: str, value: str | None) -> None:
        """Set how much of the past is kept: ``configure("failures", "30d")``; None for the built-in bound.

        Raises:
            errors.UsageError: There is no such setting, or it cannot be that.
        """
        bound = bound_named(name)
        wanted = None if value is None else bound.parse(value)
        config.configure(self._store, name, wanted, by=self._by(None))
