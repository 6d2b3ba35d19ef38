"""Runs as they are asked for: of a job, a board, a queue, a worker, a tag, a time; live and over.

What lives is found where it stands. What is over is looked for in the history, newest first and within a
bound, and the answer says how far back that was: the past is never read through to its end unasked. Uses
read commands only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from jobboard.core.jobs.override import laid
from jobboard.core.names import split_address
from jobboard.core.states import ENDED, LIVE, PASSED_OVER
from jobboard.store.boards import definitions
from jobboard.store.runs import marks, past, walking, world
from jobboard.store.runs.joins import all_joining, joining_of
from jobboard.store.runs.search import Search
from jobboard.store.runs.tagged import read_tagged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.walking import Walk

ALL_STATES = frozenset((*LIVE, *ENDED, *PASSED_OVER))
_LIVE_LOOKED_AT = 1_000
"""Runs of each line that are looked at where not all of them are wanted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which runs are asked for; what is None narrows nothing.

    Attributes:
        limit: How many at most.
        address: Of which job.
        states: In which of them.
        since_ms, until_ms: When they ended: at the first or later, before the second. What lives is left out
            by the second alone, if it was made later.
        board: Of which board.
        queue: Of which queue.
        worker: Where they ran: a worker's id, or its name.
        tag: Marked with what; a nominal that was passed over is what its job is marked with now.
        group: Failures of which group, or of which reason.
        tracked: Only those that are tracked.
        text: Only runs with this text in what they ran or wrote.
    """

    limit: int = 50
    address: str | None = None
    states: frozenset[str] = ALL_STATES
    since_ms: int | None = None
    until_ms: int | None = None
    board: str | None = None
    queue: str | None = None
    worker: str | None = None
    tag: str | None = None
    group: str | None = None
    tracked: bool = False
    text: str | None = None

    @property
    def narrow(self) -> bool:
        """Whether more is asked than whose runs, in which state, since when."""
        named = (self.board, self.queue, self.worker, self.tag, self.group, self.until_ms, self.text)
        return self.tracked or any(one is not None for one in named)


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found.

    Attributes:
        live: Runs that are not over, those furthest on first; then what is still to become a run.
        live_looked_at: Among how many such runs they were looked for.
        live_count: How many there are in all; of the job, where one is asked for.
        past: What is over or was passed over, newest first, and how far it was looked for.
        search: Where the text was found that was asked for, and how much was looked through; None for none.
    """

    live: tuple[Record, ...]
    live_looked_at: int
    live_count: int
    past: Walk
    search: Search | None = None

    @property
    def records(self) -> tuple[Record, ...]:
        """All of it, what lives first."""
        return (*self.live, *self.past.records)


def list_runs(store: Store, asked: Asked) -> Listing:
    """The runs that are asked for."""
    sieve = _Sieve(store, asked, Search(store, asked.text) if asked.text else None)
    runs, count = _live(store, asked)
    wanted = (run for run in runs if walking.within(run, None, asked.until_ms) and sieve.wants(run))
    live = list(islice(wanted, asked.limit))
    left = asked.limit - len(live)
    found = walking.Walk((), 0, None, complete=left > 0)
    if left > 0 and asked.states - set(LIVE):
        look = _tracked_past if asked.tracked else _past
        found = look(store, asked, sieve, left)
    records = marks.marked(store, found.records)
    over = walking.Walk(tuple(records), *_how_far(found))
    return Listing(tuple(live), len(runs), count, over, sieve.search)


def _how_far(walk: Walk) -> tuple[int, int | None, bool]:
    return walk.looked_at, walk.back_to_ms, walk.complete


@dataclass(slots=True)
class _Sieve:
    """Whether a record is among those asked for."""

    store: Store
    asked: Asked
    search: Search | None = None
    _kept: Mapping[str, Record] | None = None
    _tags_of: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def wants(self, record: Record) -> bool:
        asked = self.asked
        worker = record.worker or ""
        return (
            record.state in asked.states
            and asked.address in (None, record.job)
            and asked.board in (None, split_address(record.job)[0])
            and asked.queue in (None, record.queue)
            and asked.worker in (None, worker, worker.rpartition(".")[0])
            and asked.group in (None, record.group, record.reason)
            and (asked.tag is None or asked.tag in self._tags(record))
            and (self.search is None or self.search.finds(record))
        )

    @property
    def kept(self) -> Mapping[str, Record]:
        """The records that are kept for their marks, by run."""
        if self._kept is None:
            self._kept = marks.kept_records(self.store)
        return self._kept

    def _tags(self, record: Record) -> tuple[str, ...]:
        if record.live and record.run_id:
            return record.tags
        if not record.run_id:
            return self._tags_of_job(record.job)
        return self.kept.get(record.run_id, record).tags

    def _tags_of_job(self, address: str) -> tuple[str, ...]:
        if address not in self._tags_of:
            board, job = split_address(address)
            record = definitions.read_board(self.store, board)
            found = definitions.read_some(self.store, record.version, [job]) if record else {}
            self._tags_of[address] = tuple(laid(found[job]).get("tags", ())) if job in found else ()
        return self._tags_of[address]


def _live(store: Store, asked: Asked) -> tuple[list[Record], int]:
    """Runs that live, to choose from, and how many there are."""
    if not asked.states & set(LIVE):
        return [], 0
    if asked.tracked:
        runs = past.in_order(run for run in marks.read_tracked(store) if run.live)
        return runs, len(runs)
    if asked.address is not None:
        runs = past.live_runs(store, asked.address)
        return [*runs, *joining_of(store, asked.address)], len(runs)
    # What is narrowed further is looked for among more than is shown.
    most = max(asked.limit, _LIVE_LOOKED_AT) if asked.narrow else asked.limit
    runs, count = world.all_live(store, most, asked.queue)
    # What is no run yet is in no queue, on no worker, and has no text.
    if "blocked" in asked.states and not (asked.queue or asked.worker or asked.group or asked.text):
        runs = [*runs, *all_joining(store, asked.board)]
    return runs, count


def _tracked_past(store: Store, asked: Asked, sieve: _Sieve, limit: int) -> Walk:
    """From the records that are kept because they are tracked, which are all there are."""
    over = [run for run in marks.read_tracked(store) if not run.live]
    chosen = [run for run in over if walking.within(run, asked.since_ms, asked.until_ms) and sieve.wants(run)]
    chosen.sort(key=lambda run: run.seen_at_ms, reverse=True)
    oldest_ms = min((run.seen_at_ms for run in over), default=None)
    return walking.Walk(tuple(chosen[:limit]), len(over), oldest_ms, complete=len(chosen) <= limit)


def _past(store: Store, asked: Asked, sieve: _Sieve, limit: int) -> Walk:
    if asked.address is not None:
        own = _own(store, asked, sieve, limit)
        if own is not None:
            return own
    if asked.tag is not None:
        return _tagged(store, asked, sieve, limit)
    stream = "failures" if asked.states == {"failed"} else "history"
    return _walk(store, asked, sieve.wants, limit, stream)


def _walk(
    store: Store, asked: Asked, wanted: Callable[[Record], bool], limit: int, stream: str = "history"
) -> Walk:
    return walking.walk(
        store, wanted, limit=limit, since_ms=asked.since_ms, until_ms=asked.until_ms, stream=stream
    )


def _tagged(store: Store, asked: Asked, sieve: _Sieve, limit: int) -> Walk:
    """Runs by the index of their tag; what was passed over has no run, and is looked for in the history."""
    index = read_tagged(store, asked.tag or "")
    known = {(run.run_id, run.ended_at_ms): run for run in (*index.records, *sieve.kept.values())}
    within = [run for run in known.values() if walking.within(run, asked.since_ms, asked.until_ms)]
    ended = [run for run in within if sieve.wants(run)]
    passed = walking.Walk((), 0, None, complete=True)
    if asked.states & set(PASSED_OVER):
        passed = _walk(store, asked, lambda record: not record.run_id and sieve.wants(record), limit)
    found = sorted((*ended, *passed.records), key=lambda record: record.seen_at_ms, reverse=True)
    cut = found[limit - 1].seen_at_ms if len(found) > limit else None
    ends = (cut, index.back_to_ms, None if passed.complete else passed.back_to_ms)
    back_to_ms = max((ms for ms in ends if ms is not None), default=None)
    whole = back_to_ms is None or (asked.since_ms is not None and back_to_ms <= asked.since_ms)
    looked_at = len(index.records) + passed.looked_at
    return walking.Walk(tuple(found[:limit]), looked_at, back_to_ms, complete=whole)


def _own(store: Store, asked: Asked, sieve: _Sieve, limit: int) -> Walk | None:
    """From the records that the job keeps itself, where they suffice."""
    records = past.last_records(store, asked.address or "")
    young = [r for r in records if asked.since_ms is None or r.seen_at_ms >= asked.since_ms]
    chosen = [r for r in young if walking.within(r, None, asked.until_ms) and sieve.wants(r)]
    whole = len(records) < past.KEPT_BY_JOB or len(young) < len(records)
    if len(chosen) < limit and not whole:
        return None
    oldest_ms = records[-1].seen_at_ms if records else None
    complete = whole and len(chosen) <= limit
    return walking.Walk(tuple(chosen[:limit]), len(records), oldest_ms, complete)
