"""Locks of jobs as they stand: who holds each, who waits for it; and taking one away from a run by hand.

A lock is there because a job names it; nothing makes or removes one. Uses read commands, but for `unlock`
and `take_away`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.store.boards.definitions import read_boards
from jobboard.store.calls.connect import explained
from jobboard.store.runs import past
from jobboard.store.runs.views import find_run
from jobboard.store.runs.world import read_workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

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


def find_lock(store: Store, name: str) -> LockStanding:
    """How the lock of that name stands.

    Raises:
        errors.UsageError: No board names it and no run holds it; the hint says what comes nearest.
    """
    standings = survey(store)
    for one in standings:
        if one.lock == name:
            return one
    from difflib import get_close_matches

    near = get_close_matches(name, [one.lock for one in standings], n=1)
    hint = f"did you mean {near[0]}?" if near else "jobboard locks lists those there are"
    raise errors.UsageError(f"no job has a lock {name}", hint)


def take_away(store: Store, name: str, run: str | None, *, by: Mapping[str, Any]) -> str:
    """Take a lock away from its holder; the run that held it, and goes on without it.

    Args:
        store: Where.
        name: The lock.
        run: The holder as a person names it; None where there is only one.
        by: Who, and why.

    Raises:
        errors.UsageError: There is no such lock or run, or several hold it and none is named.
        errors.Refused: Nobody holds it, or the run does not.
    """
    held = [holder.run_id for holder in find_lock(store, name).holders]
    if not held:
        raise errors.Refused(f"nobody holds lock {name}", "there is nothing to break")
    if run is None and len(held) > 1:
        raise errors.UsageError(
            f"{len(held)} runs hold lock {name}", f"name one: --run {' or '.join(held[:6])}"
        )
    run_id = held[0] if run is None else find_run(store, run).run_id
    if run_id not in held:
        raise errors.Refused(f"{run_id} does not hold lock {name}", f"{', '.join(held)} does")
    unlock(store, name, run_id, by=by)
    return run_id


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
