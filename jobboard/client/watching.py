"""Runs as they are: looked at, waited for, followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import clock, errors
from jobboard.client.connection import Connection
from jobboard.client.values import Instant, Span, past_ms, span_ms
from jobboard.core.states import ENDED, LIVE
from jobboard.store.calls import clocks
from jobboard.store.runs import events, listing, marks, output, past, views

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobboard.core.runs.record import Record
    from jobboard.store.runs.output import Chunk

_BLOCK_MS = 5_000
_RUNS = frozenset((*LIVE, *ENDED))


class WatchCalls(Connection):
    """What is seen of runs."""

    def run(self, run: str) -> Record:
        """A run as it is now, live or over; of a job, its latest.

        Raises:
            errors.UsageError: There is none.
        """
        return views.find_run(self._store, run)

    def runs(
        self,
        job: str | None = None,
        *,
        state: str | Iterable[str] = _RUNS,
        since: Span | Instant | None = None,
        until: Span | Instant | None = None,
        board: str | None = None,
        queue: str | None = None,
        worker: str | None = None,
        tag: str | None = None,
        group: str | None = None,
        tracked: bool = False,
        search: str | None = None,
        limit: int = 50,
    ) -> list[Record]:
        """Unfinished runs, then those that are over, newest first; each once.

        Of a job and nothing else these are the runs among its last twenty records. Otherwise what is over is
        looked for among the newest 20,000 records of all jobs, or those before `until`.

        Args:
            job: Only this job's.
            state: Only in this state, or in one of these. Nominals that have no run are ``skipped``,
                ``missed`` or ``held``.
            since: Only what ended since this instant, or within a span.
            until: Only what ended before.
            board: Only this board's.
            queue: Only what waits in this queue, or was of it.
            worker: Only what ran there; a worker's name or its id.
            tag: Only what is marked with it.
            group: Only failures of this group, or of this reason.
            tracked: Only what is tracked.
            search: Only runs with this text in what they ran or wrote, in any case; 64 MiB of output at most
                are looked through, that of the newest runs.
            limit: How many at most.

        Raises:
            errors.UsageError: There is no such job, or an instant is none.
        """
        now_ms = clocks.now_ms(self._store)
        asked = listing.Asked(
            limit=limit,
            address=None if job is None else views.find_job_or_past(self._store, job),
            states=frozenset((state,) if isinstance(state, str) else state),
            since_ms=None if since is None else past_ms(since, now_ms),
            until_ms=None if until is None else past_ms(until, now_ms),
            board=board,
            queue=queue,
            worker=worker,
            tag=tag,
            group=group,
            tracked=tracked,
            text=search,
        )
        if asked == listing.Asked(limit=50, address=asked.address, states=_RUNS) and asked.address:
            return marks.marked(self._store, past.known_runs(self._store, asked.address))
        found: dict[str, Record] = {}
        for record in listing.list_runs(self._store, asked).records:
            # Of a run that was retried by hand what came last is what it is.
            found.setdefault(record.run_id or f"{record.job}@{record.nominal_ms}", record)
        return list(found.values())

    def wait(self, run: str, *, timeout: Span | None = None) -> Record:
        """Sleep until a run is over; how it ended.

        Raises:
            TimeoutError: It was not over in time. It goes on.
            errors.UsageError: There is no such run.
        """
        until_ms = None if timeout is None else clock.monotonic_ms() + span_ms(timeout)
        # Asked first: an end that comes between the two looks is an event after this one.
        event = events.latest_id(self._store)
        record = self.run(run)
        while record.live:
            left_ms = _BLOCK_MS if until_ms is None else min(until_ms - clock.monotonic_ms(), _BLOCK_MS)
            if left_ms <= 0:
                raise TimeoutError(f"{record.run_id} is still {record.state}")
            seen = events.read_events(self._store, event, block_ms=left_ms)
            event = seen[-1]["id"] if seen else event
            if not seen or any(each.get("run") == record.run_id for each in seen):
                record = self.run(record.run_id)
        return record

    def output(self, run: str) -> bytes:
        """What is kept of a run's output, all tries, as it was written.

        Raises:
            errors.UsageError: There is no such run, or its output is in files on another host.
        """
        run_id = self.run(run).run_id
        chunks = list(output.read_output(self._store, run_id))
        for chunk in chunks:
            if chunk.place is not None:
                raise errors.UsageError(f"output of {run_id} is in {chunk.place}", "read it on that host")
        return b"".join(chunk.content for chunk in chunks)

    def follow(self, run: str) -> Iterator[Chunk]:
        """A run's output from its beginning, then as it is written, until the run is over.

        A chunk with a `place` says where output is that cannot be read from here: a file on another host.

        Raises:
            errors.UsageError: There is no such run.
        """
        return output.follow_output(self._store, self.run(run).run_id)

    def events(self, after: str | None = None) -> Iterator[dict[str, Any]]:
        """What happens, as it happens, without end, as ``jobboard events -o json`` tells it.

        Each has ``id``, ``at``, ``event``, ``job`` and ``run``, and what belongs to its kind.

        Args:
            after: The id of an event to go on from; without one, from now on.
        """
        event = after or events.latest_id(self._store)
        while True:
            for each in events.read_events(self._store, event, block_ms=_BLOCK_MS):
                event = each["id"]
                yield events.event_json(each)
