"""The run path: schedulers claim and fire, workers reserve and finish, people start and cancel.

Each method is one script, hence one atomic step, or a few repeats of one in pages. Instants and spans are
milliseconds; instants are the store's. Every method raises what `Store.call` raises, and every call may be
made again after a lost reply: the scripts recognise a repeat. This module never writes a definition.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack

from jobboard import errors
from jobboard.store.calls.connect import FORMAT
from jobboard.store.runs.exchange import (
    Beat,
    Claimed,
    ClaimedJob,
    Hello,
    Reserved,
    Tick,
    packed_firing,
    packed_result,
    read_claimed,
    read_reserved,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jobboard.core.runs.run import Firing, Result
    from jobboard.store.calls.connect import Store

    Volley: TypeAlias = Callable[[], list[tuple[str, str | None]]]

__all__ = ["Beat", "Claimed", "ClaimedJob", "Hello", "Reserved", "Runs", "Tick", "UnknownWorker"]

CLAIM_LEASE_MS = 5_000
PAGE = 100
CLAIMED = 64
"""Jobs that a call of `claim` takes at most."""
_DECIDED = 32
"""Runs and records of what was missed that a call of `fire` makes at most.

Each takes some 40 µs, and nobody else is served meanwhile. That is up to eight times as long while the server
has just forked to rewrite its log: every page of memory is copied when it is first written to."""
_LOST = 50
"""Runs that a call of `reap` gives back or ends, which takes twice that."""

Order: TypeAlias = Literal["priority", "strict", "round-robin"]
"""In which order a worker serves its queues."""


class Starting(TypedDict, total=False):
    """How a run by hand is to be taken; nothing of it unless it is said."""

    force: bool
    """Although the job is paused or disabled."""
    respect_overlap: bool
    """Not while another run of it is unfinished."""
    with_dependents: bool
    """With what runs after it, under the same nominal."""


class UnknownWorker(errors.StoreRefused):
    """The store does not know this worker, or no longer: its lease ended. It is to say hello again."""


class Runs:
    """The run path of one namespace, over one connection; from one thread at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Schedulers

    def claim(self, scheduler: str, limit: int = CLAIMED, *, ahead_ms: int = 0) -> Claimed:
        """Take up to `limit` jobs, due now or soon, each for five seconds; then they are due again.

        A scheduler that asks lets go of what it has in hand: what it claimed before and did not fire comes
        again.
        """
        _, now_ms, entries, next_at_ms = self._store.call(
            "claim", scheduler=scheduler, limit=limit, lease_ms=CLAIM_LEASE_MS, ahead_ms=ahead_ms
        )
        jobs = [read_claimed(entry) for entry in entries]
        return Claimed(now_ms, jobs, next_at_ms or None)

    def fire(self, scheduler: str, firings: Sequence[Firing]) -> list[tuple[str, str | None]]:
        """Carry out what was decided for claimed jobs; a tag and, for FIRED, the run id for each.

        Tags: FIRED; HELD, SKIPPED (recorded with their reason); NOTHING (no nominal now), DISABLED,
        COMPLETED; WAITING (for a run of the job to end); ALREADY (decided before); STALE, GONE (the claim
        ended, the job changed or is not due: nothing done).
        """
        return self.firing(scheduler, firings)()

    def firing(self, scheduler: str, firings: Sequence[Firing]) -> Volley:
        """`fire`, ready to be carried out: by what is returned, which answers and raises the same."""
        calls = [
            self._store.prepared("fire", scheduler=scheduler, decisions=[packed_firing(one) for one in page])
            for page in _light_pages(firings)
        ]
        return lambda: [(tag, run or None) for call in calls for tag, run in call()[2]]

    def tick(self, scheduler: str, zonedata: str = "") -> Tick:
        """Let happen what is due by time alone, a bounded bite; `zonedata` is the tzdata version in use."""
        _, now_ms, promoted, reaped, next_at_ms, unsettled, ended = self._store.call(
            "tick", scheduler=scheduler, zonedata=zonedata
        )
        return Tick(now_ms, promoted, list(reaped), next_at_ms or None, unsettled, list(ended))

    def resign(self, scheduler: str) -> None:
        """A scheduler stops: its claims are due again at once, and it is no longer listed."""
        self._store.call("resign", scheduler=scheduler, limit=PAGE)

    # Workers

    def hello(
        self,
        worker: str,
        *,
        host: str,
        pid: int,
        queues: Sequence[str],
        slots: int,
        lease_ms: int,
        version: str,
        inboxes: Sequence[str] = (),
        own_slots: Mapping[str, int] | None = None,
        order: Order = "priority",
        holding: Sequence[tuple[str, int]] = (),
    ) -> Hello:
        """Register a worker, or again after an outage.

        Args:
            worker: Unique for each process, not only for each host.
            host: Where it runs, for people.
            pid: Its process there.
            version: Of its program.
            inboxes: Queues whose inboxes it reads.
            queues: What it serves.
            slots: How many runs at once.
            lease_ms: How long it may be silent.
            own_slots: How many of single queues at once, where that is fewer.
            order: How it serves its queues, for those who ask; `reserve` is told each time.
            holding: Run ids and tokens of all it has, results not yet delivered included. What the store
                handed out and is not named here counts as never started.
        """
        dropped: list[str] = []
        runs = [run_id for run_id, _ in holding]
        page, rest = list(holding[:PAGE]), list(holding[PAGE:])
        left = True
        while left:
            _, now_ms, drop, left = self._store.call(
                "hello",
                worker=worker,
                host=host,
                pid=pid,
                queues=list(queues),
                slots=slots,
                lease_ms=lease_ms,
                version=version,
                inboxes=list(inboxes),
                own_slots=dict(own_slots or {}),
                order=order,
                format=FORMAT,
                holding=[list(pair) for pair in page],
                others=not rest and runs,
            )
            dropped += drop
            left = left or bool(rest)
            page, rest = rest[:PAGE], rest[PAGE:]
        return Hello(now_ms, dropped)

    def reserve(
        self,
        worker: str,
        queues: Sequence[str],
        limit: int,
        *,
        rooms: Sequence[int] | None = None,
        order: Order = "priority",
    ) -> list[Reserved]:
        """Take up to `limit` runs, each with all its locks.

        Args:
            worker: For whom.
            queues: Out of which.
            limit: How many at most.
            rooms: How many of each queue at most.
            order: ``priority`` takes the best of all queues first, ``strict`` empties one queue after the
                other, ``round-robin`` takes one of each in turn.

        Raises:
            UnknownWorker: Say hello first.
        """
        # The mark stays the same when the connection repeats the call, so no run is handed out unheard.
        answer = self._store.call(
            "reserve",
            worker=worker,
            queues=list(queues),
            rooms=rooms is not None and list(rooms),
            limit=limit,
            order=order,
            request=secrets.token_hex(6),
        )
        if answer[0] == "UNKNOWN":
            raise UnknownWorker(f"the store does not know worker {worker}")
        return [read_reserved(entry) for entry in answer[2]]

    def give_back(self, worker: str, runs: Sequence[tuple[str, int]]) -> int:
        """Return runs (id, token) that were reserved and never started; how many were still its own."""
        given = 0
        for page in _pages(runs):
            given += self._store.call("give_back", worker=worker, runs=[list(pair) for pair in page])[2]
        return given

    def beat(self, worker: str, lease_ms: int) -> Beat:
        """Renew the worker's lease, which covers all its runs."""
        answer = self._store.call("beat", worker=worker, lease_ms=lease_ms)
        return Beat(known=answer[0] == "OK", cancel=list(answer[2]) if answer[0] == "OK" else [])

    def finish(self, worker: str, results: Sequence[Result]) -> list[str]:
        """Report how attempts ended; for each FINISHED, RETRIED, DEFERRED, FENCED or ALREADY.

        RETRIED also stands for what goes back to its queue. FENCED: the run was given to another in the
        meantime, and the result is not taken. ALREADY: it was taken before.
        """
        tags: list[str] = []
        for page in _pages(results):
            tags += self._store.call("finish", worker=worker, results=[packed_result(r) for r in page])[2]
        return tags

    def finish_reserve(
        self,
        worker: str,
        results: Sequence[Result],
        queues: Sequence[str],
        limit: int,
        *,
        rooms: Sequence[int] | None = None,
        order: Order = "priority",
    ) -> tuple[list[str], list[Reserved] | None]:
        """Report and take in one call: what `finish` and `reserve` answer; None where to say hello first.

        Raises:
            errors.StoreFull: Memory is full, nothing was done. `finish` takes the same results even so.
        """
        assert len(results) <= PAGE
        tag, _, tags, *rest = self._store.call(
            "finish_reserve",
            worker=worker,
            results=[packed_result(r) for r in results],
            queues=list(queues),
            rooms=rooms is not None and list(rooms),
            limit=limit,
            order=order,
            request=secrets.token_hex(6),
        )
        return list(tags), [read_reserved(entry) for entry in rest[0]] if tag == "OK" else None

    def output(
        self,
        run_id: str,
        token: int,
        attempt: int,
        chunks: Sequence[bytes],
        *,
        ago_ms: Sequence[int] = (),
        streams: Sequence[str] = (),
    ) -> bool:
        """Keep pieces of an attempt's output; whether the attempt is still the run's own.

        Args:
            run_id: The run.
            token: Of the attempt.
            attempt: Its number.
            chunks: What was written, in order.
            ago_ms: How long ago each was; none for now.
            streams: ``stdout`` or ``stderr`` for each; none where both are one.

        Raises:
            errors.StoreFull: Memory is full. The run is unharmed; count the bytes as dropped.
        """
        answer = self._store.call(
            "output",
            run=run_id,
            token=token,
            attempt=attempt,
            chunks=[chunk.decode("utf-8", "surrogateescape") for chunk in chunks],
            ago_ms=list(ago_ms),
            streams=list(streams),
        )
        return bool(answer[0] == "OK")

    def report(self, run_id: str, token: int, percent: int | None, text: str) -> bool:
        """Note how far an attempt says it is; whether it is still the run's own."""
        answer = self._store.call(
            "report", run=run_id, token=token, percent=-1 if percent is None else percent, text=text
        )
        return bool(answer[0] == "OK")

    def bye(self, worker: str) -> int:
        """End a worker's registration; what it still holds is lost at once. How many runs that were."""
        return self._end(worker, "worker stopped")

    def lost(self, worker: str, *, by: Mapping[str, Any] | None = None) -> int:
        """A worker was seen to die: what it held is lost now, not when its lease ends. `by` says by whom."""
        return self._end(worker, "worker lost", by)

    def drain(self, worker: str, *, by: Mapping[str, Any]) -> bool:
        """Have a worker take nothing new, let its runs end and stop; whether it is registered."""
        return bool(self._store.call("drain_worker", worker=worker, by=dict(by))[0] == "OK")

    def _end(self, worker: str, reason: str, by: Mapping[str, Any] | None = None) -> int:
        lost = 0
        while True:
            count: int
            asked = by is not None and dict(by)
            tag, _, count = self._store.call("reap", worker=worker, reason=reason, limit=_LOST, by=asked)
            lost += count
            by = None
            if tag == "OK":
                return lost

    # People

    def start_run(self, address: str, *, by: str, reason: str = "", **how: Unpack[Starting]) -> str:
        """Run a job now, by hand; its run id.

        Raises:
            errors.UsageError: There is no such job.
            errors.Refused: Something stands in the way; the message says what.
        """
        asked: Starting = {"force": False, "respect_overlap": False, "with_dependents": False, **how}
        mark = secrets.token_hex(8)
        tag, *rest = self._store.call("start", address=address, by=by, reason=reason, mark=mark, **asked)
        if tag == "STARTED":
            return str(rest[0])
        raise _not_started(tag, address, rest)

    def cancel(self, run_id: str, actor: str, *, unstarted: bool = False) -> str:
        """Call a run off: CANCELLED, STOPPING (its worker was told), ALREADY (over), UNKNOWN.

        With `unstarted` one that runs is left alone: STARTED.
        """
        return str(self._store.call("cancel", run=run_id, actor=actor, unstarted=unstarted)[0])


def _not_started(tag: str, address: str, rest: Sequence[str]) -> errors.JobboardError:
    if tag == "UNKNOWN":
        return errors.UsageError(f"there is no job {address}", "jobboard ls lists the jobs")
    if tag == "DISABLED":
        return errors.Refused(f"{address} is disabled", "add --force to run it all the same")
    if tag == "HELD":
        return errors.Refused(f"{address} is {rest[0]}", "add --force to run it all the same")
    return errors.Refused(f"{address} was not started: {rest[0]}", "leave out --respect-overlap")


def _light_pages(firings: Sequence[Firing]) -> Iterable[Sequence[Firing]]:
    """Pages of which none decides more than a script should in one step."""
    page: list[Firing] = []
    weight = 0
    for firing in firings:
        own = 1 + len(firing.backlog) + (firing.missed is not None)
        if page and weight + own > _DECIDED:
            yield page
            page, weight = [], 0
        page.append(firing)
        weight += own
    if page:
        yield page


def _pages(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + PAGE] for start in range(0, len(items), PAGE))
