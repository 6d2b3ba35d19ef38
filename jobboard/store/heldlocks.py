"""Locks of jobs as they stand: who holds each, who waits for it; and taking one away from a run by hand.

A lock is there because a job names it; nothing makes or removes one. Uses read commands, but for `unlock`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.store import past
from jobboard.store.connect import explained
from jobboard.store.definitions import read_boards
from jobboard.store.world import read_workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.record import Record
    from jobboard.store.connect import Store

SHOWN = 100
"""How many waiters of one lock are read."""


@dataclass(frozen=True, slots=True)
class LockStanding:
    """How a lock stands.

    Attributes:
        lock: Its name.
        capacity: How many runs may hold it at once, by the boards, or by the runs that hold it.
        holders: Runs that hold it, the longest-running first.
        waiters: Runs that wait for it, the next one first; at most `SHOWN` are read.
        waiting: How many wait.
    """

    lock: str
    capacity: int
    holders: tuple[Record, ...]
    waiters: tuple[Record, ...]
    waiting: int


def survey(store: Store) -> list[LockStanding]:
    """Every lock that a board names or a run holds, by name."""
    capacities: dict[str, int] = {}
    for board in read_boards(store).values():
        capacities |= board.meta.get("locks", {})
    running = _running(store)
    for run in running:
        capacities = {**(run.locks or {}), **capacities}
    names = sorted(capacities)
    held, lines, counts = _members(store, names)
    ids = [run_id for members in (*held, *lines) for run_id in members]
    known = {run.run_id: run for run in past.read_live(store, list(dict.fromkeys(ids)))}
    return [
        LockStanding(
            name,
            capacities[name],
            tuple(
                sorted(
                    (known[run_id] for run_id in mine if run_id in known),
                    key=lambda run: (run.started_at_ms or 0, run.run_id),
                )
            ),
            tuple(known[run_id] for run_id in line if run_id in known),
            count,
        )
        for name, mine, line, count in zip(names, held, lines, counts, strict=True)
    ]


def unlock(store: Store, lock: str, run_id: str, *, by: Mapping[str, Any]) -> str:
    """Take a lock away from a run: BROKEN, ALREADY (it was taken before), FREE (the run does not hold it)."""
    return str(store.call("break_lock", lock=lock, run=run_id, by=dict(by))[0])


def _running(store: Store) -> list[Record]:
    """Runs that run. A run waits only for a lock that somebody holds, so they name every lock in use."""
    with explained(store.url):
        ids = [
            run_id.decode()
            for worker in read_workers(store)
            for run_id in store.client.sscan_iter(store.key("holding", worker.name), count=1000)
        ]
    return past.read_live(store, ids)


def _members(store: Store, names: list[str]) -> tuple[list[list[str]], list[list[str]], list[int]]:
    with explained(store.url), store.client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.smembers(store.key("lock", name))
            pipe.zrange(store.key("lockwait", name), 0, SHOWN - 1)
            pipe.zcard(store.key("lockwait", name))
        answers = pipe.execute()

    def texts(members: Any) -> list[str]:
        return [member.decode() for member in members]

    return [texts(one) for one in answers[::3]], [texts(one) for one in answers[1::3]], answers[2::3]
