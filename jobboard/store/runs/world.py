"""Who is at work at the moment, and what is known of a job: read as the values that explanations start from.

Uses read commands only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from jobboard.core.names import split_address
from jobboard.core.runs.facts import JobFacts, Worker, World
from jobboard.store.boards import definitions
from jobboard.store.calls.connect import FORMAT, explained, numbers_of
from jobboard.store.calls.reading import read_set
from jobboard.store.calls.wire import unpack
from jobboard.store.runs import past
from jobboard.store.runs.closed import read_closed
from jobboard.store.runs.incidents import incidents_of
from jobboard.store.runs.overview import standing_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from jobboard.core.runs.facts import Order
    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store
    from jobboard.store.calls.direct import Command

_OF_A_WORKER = (
    *("host", "queues", "slots", "inboxes", "own_slots", "order"),
    *("pid", "version", "format", "state", "started_at"),
)

_ORDERS: Mapping[bytes, Order] = {b"strict": "strict", b"round-robin": "round-robin"}

HOLDERS = 20
"""Holders of one lock that are looked at: who is asked about a lock wants to know one."""


def read_job_facts(store: Store, address: str, now_ms: int) -> JobFacts:
    """What is known of a job; of one that is gone, its runs."""
    live = past.live_runs(store, address)
    records = past.last_records(store, address)
    board, job = split_address(address)
    record = definitions.read_board(store, board)
    found = definitions.read_some(store, record.version, [job]) if record else {}
    if job not in found:
        return JobFacts(address, None, live=live, records=records)
    (standing,) = standing_of(store, {address: found[job]}, now_ms)
    return JobFacts(
        address,
        standing.spec,
        overrides=standing.overrides,
        skip=standing.skip,
        due_at_ms=standing.due_at_ms,
        completed=standing.completed,
        holds=standing.holds,
        live=live,
        joins=standing.joins,
        records=records,
        incidents=incidents_of(store, address, [run.run_id for run in live]),
    )


def read_world(store: Store, now_ms: int, runs: Iterable[Record] = ()) -> World:
    """What surrounds these runs: schedulers, workers, holders of their locks, their place in line."""
    live = list(runs)
    queued = [run for run in live if run.state == "queued"]
    queues = {run.queue or "common" for run in queued}
    return World(
        now_ms=now_ms,
        schedulers=read_schedulers(store),
        workers=tuple(_with_held_of(store, read_workers(store), queues)),
        holders={run.lock: lock_holders(store, run.lock) for run in live if run.lock},
        ahead=_ahead(store, queued),
        closed=read_closed(store, now_ms, queues),
    )


def _with_held_of(store: Store, workers: Sequence[Worker], queues: Collection[str]) -> list[Worker]:
    """The workers; those that take only so many of one of the queues with how many they have."""
    bounded = [worker.name for worker in workers if not worker.own_slots.keys().isdisjoint(queues)]
    held = runs_of(store, bounded) if bounded else {}
    return [
        replace(worker, held_of=Counter(run.queue or "common" for run in held[worker.name]))
        if worker.name in held
        else worker
        for worker in workers
    ]


def read_schedulers(store: Store) -> dict[str, int]:
    """Scheduler to the instant it was last seen; those seen within the last minute or so."""
    (rows,) = store.read(("ZRANGE", store.key("schedulers"), 0, 999, "WITHSCORES"))
    return {name.decode(): int(seen) for name, seen in rows}


def read_workers(store: Store) -> list[Worker]:
    """The workers that are registered, by name."""
    (rows,) = store.read(("ZRANGE", store.key("workers"), 0, 9_999, "WITHSCORES"))
    leases = {name.decode(): int(until) for name, until in rows}
    asked: list[Command] = []
    for name in leases:
        asked.append(("HMGET", store.key("worker", name), *_OF_A_WORKER))
        asked.append(("SCARD", store.key("holding", name)))
    answers = store.read(*asked)
    found = [
        _worker(name, leases[name], facts, held)
        for name, facts, held in zip(leases, answers[::2], answers[1::2], strict=True)
    ]
    return sorted(found, key=lambda worker: worker.name)


def _worker(name: str, lease_until_ms: int, facts: Sequence[bytes | None], held: int) -> Worker:
    host, queues, slots, inboxes, own_slots, order, pid, version, format_, state, started_at = facts
    return Worker(
        name=name,
        host=(host or b"").decode(),
        queues=tuple(unpack(queues) if queues else ()),
        slots=int(slots or 0),
        held=held,
        lease_until_ms=lease_until_ms,
        inboxes=tuple(unpack(inboxes) if inboxes else ()),
        own_slots=dict(unpack(own_slots) if own_slots else {}),
        order=_ORDERS.get(order or b"", "priority"),
        pid=int(pid or 0),
        version=(version or b"").decode(),
        # Format 1.0 did not say which it has.
        outdated=numbers_of((format_ or b"1.0").decode()) < numbers_of(FORMAT),
        state=(state or b"up").decode(),
        started_at_ms=int(float(started_at)) if started_at else None,
    )


def runs_of(store: Store, workers: Sequence[str]) -> dict[str, list[Record]]:
    """What each worker runs, the longest-running first."""
    held: dict[str, list[str]] = {}
    for worker in workers:
        held[worker] = [run_id.decode() for run_id in read_set(store, store.key("holding", worker))]
    known = {run.run_id: run for run in past.read_live(store, [id_ for ids in held.values() for id_ in ids])}
    return {
        worker: sorted(
            (known[run_id] for run_id in ids if run_id in known),
            key=lambda run: (run.started_at_ms or 0, run.run_id),
        )
        for worker, ids in held.items()
    }


def lock_holders(store: Store, lock: str) -> list[Record]:
    """Runs that hold a lock, the longest-running first."""
    (ids,) = store.read(("SRANDMEMBER", store.key("lock", lock), HOLDERS))
    held = past.read_live(store, [run_id.decode() for run_id in ids])
    return sorted(held, key=lambda run: run.started_at_ms or 0)


def all_live(store: Store, limit: int, queue: str | None = None) -> tuple[list[Record], int]:
    """Runs that are not over, of every job: those furthest on first, and how many there are in all.

    Those in a line are taken from its front, at most `limit` of each. With `queue` the lines of other queues
    are left out; what runs or waits elsewhere may still be of another.
    """
    running = _members(store, [store.key("holding", worker.name) for worker in read_workers(store)], limit)
    held = past.read_live(store, running[0])
    in_line = _lines(store, _keys_of_lines(store, held, queue), limit)
    found = past.in_order([*held, *past.read_live(store, in_line[0])])
    return found, running[1] + in_line[1]


def waiting_ids(store: Store) -> list[str]:
    """Every run that waits, for whatever; one that got on meanwhile may be there twice, or not."""
    held = [run for runs in runs_of(store, [w.name for w in read_workers(store)]).values() for run in runs]
    found: dict[str, None] = {}
    for line in _keys_of_lines(store, held):
        with explained(store.url):
            found.update((run_id.decode(), None) for run_id, _ in store.client.zscan_iter(line, count=1000))
    return list(found)


def _keys_of_lines(store: Store, held: Iterable[Record], queue: str | None = None) -> list[str]:
    """The keys of everything that a run can wait in, of queues only `queue` where one is named."""
    # A run waits only for a lock that somebody holds, so the runs that run name every lock there is.
    locks = sorted({lock for run in held for lock in run.locks or ()})
    queues = sorted(name.decode() for name in read_set(store, store.key("queues")))
    queues = [name for name in queues if queue in (None, name)]
    lines = [store.key("lockwait", lock) for lock in locks]
    return [
        *lines,
        *(store.key("queue", queue) for queue in queues),
        store.key("delay"),
        store.key("blocked"),
    ]


def _members(store: Store, keys: Sequence[str], limit: int) -> tuple[list[str], int]:
    asked: list[Command] = []
    for key in keys:
        asked += [("SRANDMEMBER", key, limit), ("SCARD", key)]
    answers = store.read(*asked)
    return [run_id.decode() for page in answers[::2] for run_id in page], sum(answers[1::2])


def _lines(store: Store, keys: Sequence[str], limit: int) -> tuple[list[str], int]:
    asked: list[Command] = []
    for key in keys:
        asked += [("ZRANGE", key, 0, limit - 1), ("ZCARD", key)]
    answers = store.read(*asked)
    return [run_id.decode() for page in answers[::2] for run_id in page], sum(answers[1::2])


def _ahead(store: Store, queued: Sequence[Record]) -> dict[str, int]:
    lines = (store.key("queue", run.queue or "common") for run in queued)
    ranks = store.read(*(("ZRANK", key, run.run_id) for key, run in zip(lines, queued, strict=True)))
    return {run.run_id: rank for run, rank in zip(queued, ranks, strict=True) if rank is not None}
