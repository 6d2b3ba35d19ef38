"""Slots and locks: who has them, who waits for them in what order, and for how long."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from jobboard.core.simulation.simulate import Wait
from jobboard.core.simulation.virtual.contenders import Lock
from jobboard.core.simulation.virtual.lines import Lines
from jobboard.core.simulation.virtual.timeline import END, PROMOTE

if TYPE_CHECKING:
    from jobboard.core.simulation.simulate import Pause, Scenario
    from jobboard.core.simulation.virtual.contenders import Going, Workforce
    from jobboard.core.simulation.virtual.timeline import Timeline


class Room:
    """The room there is for runs; see `hand_out`.

    Args:
        timeline: Where ends of tries are put.
        scenario: How many slots there are.

    Attributes:
        lines: Where runs wait for slots.
    """

    def __init__(self, timeline: Timeline, scenario: Scenario) -> None:
        self._timeline = timeline
        self._locks: dict[str, Lock] = {}
        self._roomy: dict[Lock, None] = {}
        self.lines = Lines(timeline, scenario)

    def lock(self, name: str) -> Lock:
        """The lock of a name."""
        return self._locks.setdefault(name, Lock(name))

    def enqueue(self, going: Going) -> None:
        """Put a run at its place in its queue."""
        self.note_wait(going)
        self.lines.put(going)

    def serve(self) -> None:
        """Start everything that can be started now."""
        while self.lines.is_any_called or self._roomy:
            for force in self.lines.called():
                self._serve(force)
            locks, self._roomy = self._roomy, {}
            for lock in locks:
                self._hand_over(lock, eager=True)

    def go_on(self, going: Going, worker: str | None, lasts_ms: int) -> None:
        """Let a run that has its slot and its locks keep them, for so long."""
        self._start(going, self.lines.workforce(worker, going.terms.queue), lasts_ms)

    def release(self, going: Going) -> None:
        """A try has ended: others may have its slot and its locks."""
        line, force = going.terms.line, going.crew
        line.running -= 1
        if force is not None:
            force.free += 1
            if line.queue in force.rooms:
                force.rooms[line.queue] += 1
            self.lines.call((force,))
        if line.rule is not None and line.rule.limit is not None and line.runs:
            self.lines.call(line.crews)
        for lock, _ in going.terms.locks:
            del lock.holders[going]
        for lock, _ in going.terms.locks:
            self._hand_over(lock, eager=False)

    def note_wait(self, going: Going) -> None:
        """The run leaves where it waited: write that down, and begin anew."""
        now_ms = self._timeline.now_ms
        if now_ms > going.since_ms > 0:
            cause, name, by = going.cause or (going.terms.line.closed or "slot", going.terms.queue, "")
            going.run.waits.append(Wait(cause, name, by, going.since_ms, now_ms))
        going.since_ms = now_ms
        going.cause = None

    def _start(self, going: Going, force: Workforce | None, lasts_ms: int) -> None:
        """Give a run a slot and its locks, for so long."""
        self.note_wait(going)
        going.running, going.crew, going.expires_ms = True, force, None
        terms, now_ms = going.terms, self._timeline.now_ms
        terms.line.running += 1
        if force is not None:
            force.free -= 1
            if terms.line.queue in force.rooms:
                force.rooms[terms.line.queue] -= 1
        for lock, _ in terms.locks:
            lock.holders[going] = None
        going.run.spans.append((now_ms, now_ms + lasts_ms))
        self._timeline.at(now_ms + lasts_ms, END, going)

    def _serve(self, force: Workforce) -> None:
        while force.free > 0 and (going := self.lines.take(force)) is not None:
            if going.is_too_late(self._timeline.now_ms):
                continue
            hold = _hold_on(going, self._timeline.now_ms) if going.terms.halts else None
            if hold is not None:
                self._halt(going, hold)
            elif (missing := _missing(going)) is not None:
                self._park(going, missing)
            else:
                self._start(going, force, going.terms.tries_ms)
                if going.terms.line.rule is not None:
                    self.lines.spend(going.terms.line)

    def _halt(self, going: Going, hold: Pause) -> None:
        """Keep a run from starting up to the end of a hold; see `halt`."""
        self.note_wait(going)
        going.cause = ("hold", hold.scope, "")
        if hold.until_ms is not None:
            self._timeline.at(hold.until_ms, PROMOTE, going)

    def _park(self, going: Going, lock: Lock) -> None:
        self.note_wait(going)
        going.cause = ("lock", lock.name, next(iter(lock.holders)).job.address)
        heappush(lock.waiting, (going.score, going))

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
            capacity = next(size for own, size in going.terms.locks if own is lock)
            if missing is None and not eager and len(lock.holders) + promised >= capacity:
                self._roomy[lock] = None
                return
            heappop(lock.waiting)
            if missing is not None:
                self._park(going, missing)
            else:
                promised += 1
                self.enqueue(going)


def _hold_on(going: Going, now_ms: int) -> Pause | None:
    """A hold that keeps a run from starting; a run that somebody insisted on only by one on its queue."""
    hold = going.terms.halt_at(now_ms)
    return None if hold is not None and going.forced and not hold.scope.startswith("queue:") else hold


def _missing(going: Going) -> Lock | None:
    """The first of a run's locks that has no room."""
    for lock, capacity in going.terms.locks:
        if len(lock.holders) >= capacity:
            return lock
    return None
