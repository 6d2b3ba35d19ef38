"""Slots and locks: who has them, who waits for them in what order, and for how long."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from jobboard.core.simulate import Wait
from jobboard.core.virtual.contenders import Lock, Pool
from jobboard.core.virtual.timeline import END

if TYPE_CHECKING:
    from jobboard.core.simulate import Cause, Scenario
    from jobboard.core.virtual.contenders import Going
    from jobboard.core.virtual.timeline import Timeline


class Room:
    """The room there is for runs; see `hand_out`.

    Args:
        timeline: Where ends of tries are put.
        scenario: How many slots there are.
    """

    def __init__(self, timeline: Timeline, scenario: Scenario) -> None:
        self._timeline = timeline
        self._locks: dict[str, Lock] = {}
        self._roomy: dict[Lock, None] = {}
        self._busy: dict[Pool, None] = {}
        shared = Pool(scenario.slots)
        self._pools = defaultdict(lambda: shared, {q: Pool(slots) for q, slots in scenario.queues.items()})

    def pool(self, queue: str) -> Pool:
        """The slots of a queue."""
        return self._pools[queue]

    def lock(self, name: str) -> Lock:
        """The lock of a name."""
        return self._locks.setdefault(name, Lock(name))

    def enqueue(self, going: Going) -> None:
        """Put a run at its place in its queue."""
        self.note_wait(going)
        going.cause = None
        pool = going.job.pool
        heappush(pool.line, (going.score, going))
        self._busy[pool] = None

    def serve(self) -> None:
        """Start everything that can be started now."""
        while self._busy or self._roomy:
            for pool in self._busy:
                self._serve(pool)
            self._busy.clear()
            locks, self._roomy = self._roomy, {}
            for lock in locks:
                self._hand_over(lock, eager=True)

    def release(self, going: Going) -> None:
        """A try has ended: others may have its slot and its locks."""
        pool = going.job.pool
        pool.free += 1
        if pool.line:
            self._busy[pool] = None
        for lock, _ in going.job.locks:
            del lock.holders[going]
        for lock, _ in going.job.locks:
            self._hand_over(lock, eager=False)

    def note_wait(self, going: Going) -> None:
        """The run leaves where it waited: write that down, and begin anew."""
        now_ms = self._timeline.now_ms
        if now_ms > going.since_ms > 0:
            cause: Cause = "slot"
            name, by = going.job.queue, ""
            if going.is_lined:
                cause, name, by = "turn", going.job.address, going.job.address
            elif going.cause:
                cause, name, by = "lock", going.cause[0].name, going.cause[1]
            going.run.waits.append(Wait(cause, name, by, going.since_ms, now_ms))
        going.since_ms = now_ms
        going.is_lined = False

    def _serve(self, pool: Pool) -> None:
        while pool.free > 0 and pool.line:
            _, going = heappop(pool.line)
            if going.is_over or going.is_too_late(self._timeline.now_ms):
                continue
            missing = _missing(going)
            if missing is not None:
                self._park(going, missing)
            else:
                self._start(going)

    def _park(self, going: Going, lock: Lock) -> None:
        self.note_wait(going)
        going.cause = (lock, next(iter(lock.holders)).job.address)
        heappush(lock.waiting, (going.score, going))

    def _start(self, going: Going) -> None:
        self.note_wait(going)
        going.running = True
        job, now_ms = going.job, self._timeline.now_ms
        job.pool.free -= 1
        for lock, _ in job.locks:
            lock.holders[going] = None
        lasts_ms = job.lasts_ms if job.stops_ms is None else min(job.lasts_ms, job.stops_ms)
        going.run.spans.append((now_ms, now_ms + lasts_ms))
        self._timeline.at(now_ms + lasts_ms, END, going)

    def _hand_over(self, lock: Lock, *, eager: bool) -> None:
        """Send waiters of a lock with room back to their queues: as many as there is room for, or all.

        What is left while there is room is sent after them, once it shows that those cannot start now.
        """
        promised = 0
        while lock.waiting:
            going = lock.waiting[0][1]
            if going.is_over:
                heappop(lock.waiting)
                continue
            missing = _missing(going)
            if missing is lock:
                return
            capacity = next(size for own, size in going.job.locks if own is lock)
            if missing is None and not eager and len(lock.holders) + promised >= capacity:
                self._roomy[lock] = None
                return
            heappop(lock.waiting)
            if missing is not None:
                self._park(going, missing)
            else:
                promised += 1
                self.enqueue(going)


def _missing(going: Going) -> Lock | None:
    """The first of a run's locks that has no room."""
    for lock, capacity in going.job.locks:
        if len(lock.holders) >= capacity:
            return lock
    return None
