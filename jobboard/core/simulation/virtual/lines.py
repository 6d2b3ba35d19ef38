"""Queues: which run is the next, whose workers may take it, and what limits that; as `hand_out` has it."""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil, floor
from typing import TYPE_CHECKING

from jobboard.core.names import plain_queue
from jobboard.core.simulation.standing import Crew
from jobboard.core.simulation.virtual.contenders import Line, Workforce
from jobboard.core.simulation.virtual.timeline import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobboard.core.simulation.simulate import Scenario
    from jobboard.core.simulation.standing import QueueRule
    from jobboard.core.simulation.virtual.contenders import Going
    from jobboard.core.simulation.virtual.timeline import Timeline

BAND = 1 << 40
"""What of a run's score its priority decides is a multiple of this, the rest is its age."""
_NEARLY = 0.000001


class Lines:
    """The lines there are, and who serves them.

    Args:
        timeline: Where it is put down when a rate lets the next run begin.
        scenario: Who works, and what rules the queues.
    """

    def __init__(self, timeline: Timeline, scenario: Scenario) -> None:
        self._timeline, self._rules = timeline, scenario.rules
        self._of_queue: dict[str, Line] = {}
        self._shared: dict[tuple[Workforce, ...], Line] = {}
        self._own = {name: Workforce(Crew((name,), slots)) for name, slots in scenario.queues.items()}
        self._others: list[Workforce] | None = None
        self._all = Workforce(Crew((), scenario.slots))
        if scenario.crews is not None:
            # Those that can do little else come first, so that the others are left for what only they can do.
            crews = sorted(scenario.crews, key=lambda crew: (len(crew.queues), crew.queues))
            self._others = [Workforce(crew) for crew in crews]
        self._busy: dict[Workforce, None] = {}

    def line(self, queue: str) -> Line:
        """The line of a queue."""
        if queue not in self._of_queue:
            self._of_queue[queue] = self._make(queue)
        return self._of_queue[queue]

    def workforce(self, worker: str | None, queue: str) -> Workforce | None:
        """Whose slots a run takes that a worker has already; None where that one is not part of it."""
        if self._others is None or self._own_of(queue) is not None:
            return self.line(queue).crews[0]
        return next((force for force in self._others if worker in force.crew.workers), None)

    def put(self, going: Going) -> None:
        """Put a run at its place in its line."""
        line, key = going.terms.line, going.score
        if line.rule is not None and line.rule.aging_ms is not None:
            run = going.run
            old_ms = max(run.queued_at_ms, run.due_ms) + line.rule.aging_ms
            if old_ms <= self._timeline.now_ms:
                key %= BAND
            else:
                heappush(line.aging, (old_ms, going))
        going.key = key
        heappush(line.runs, (key, going))
        self.call(line.crews)

    def call(self, crews: Iterable[Workforce]) -> None:
        """Have workers look for runs."""
        for force in crews:
            if force.free > 0:
                self._busy[force] = None

    def open(self, line: Line) -> None:
        """The rate of a queue lets the next run begin, unless nobody looks."""
        if not self._timeline.is_put_off(OPEN, line.sequence, line):
            line.opens_at_ms = None
            self.call(line.crews)

    def called(self) -> list[Workforce]:
        """Those that are to look now; they were told."""
        if len(self._busy) == 1:
            return [self._busy.popitem()[0]]
        everybody = (*self._own.values(), *(self._others or ()), self._all)
        found = [force for force in everybody if force in self._busy]
        self._busy.clear()
        return found

    @property
    def is_any_called(self) -> bool:
        """Whether anybody is to look."""
        return bool(self._busy)

    def take(self, force: Workforce) -> Going | None:
        """The run that some workers take next, gone from its line; None for none."""
        best: Line | None = None
        best_rank = 0
        for line in force.lines:
            if not line.runs or (force.rooms and force.rooms.get(line.queue, 1) <= 0):
                continue
            key = self._head(line)
            if key is None:
                continue
            rank = key if force.is_by_priority else _place(force, line)
            if (best is None or rank < best_rank) and (
                line.rule is None or not self._is_closed(line.rule, line)
            ):
                best, best_rank = line, rank
        if best is None:
            return None
        force.turn += 1
        going = heappop(best.runs)[1]
        going.key = None
        return going

    def spend(self, line: Line) -> None:
        """A run of a line with a rule has begun: that counts against its rate."""
        if line.rule is not None and line.rule.rate is not None:
            count, span_ms = line.rule.rate
            line.used_to_ms = max(self._timeline.now_ms, line.used_to_ms) + span_ms / count
        line.closed = ""

    def _make(self, queue: str) -> Line:
        crews, rule = self._crews_of(queue), self._rules.get(queue)
        alone = rule is not None or any(
            queue in force.crew.own_slots or force.crew.order != "priority" for force in crews
        )
        line = None if alone else self._shared.get(crews)
        if line is None:
            line = Line(len(self._of_queue), queue, crews, rule)
            for force in crews:
                force.lines.append(line)
            if not alone:
                self._shared[crews] = line
        return line

    def _crews_of(self, queue: str) -> tuple[Workforce, ...]:
        own = self._own_of(queue)
        if own is not None:
            return (own,)
        if self._others is None:
            return (self._all,)
        return tuple(force for force in self._others if queue in force.crew.queues)

    def _own_of(self, queue: str) -> Workforce | None:
        return self._own.get(queue) or self._own.get(plain_queue(queue))

    def _head(self, line: Line) -> int | None:
        """The key of the first run of a line; None where nobody is left in it."""
        while line.aging and line.aging[0][0] <= self._timeline.now_ms:
            going = heappop(line.aging)[1]
            if going.key is not None:
                going.key = going.score % BAND
                heappush(line.runs, (going.key, going))
        runs = line.runs
        while runs and (runs[0][1].is_over or runs[0][1].key != runs[0][0]):
            heappop(runs)
        return runs[0][0] if runs else None

    def _is_closed(self, rule: QueueRule, line: Line) -> bool:
        """Whether what rules a queue lets none of it begin now; see `allowance`."""
        if rule.limit is not None and line.running >= rule.limit:
            line.closed = "limit"
            return True
        if rule.rate is None:
            return False
        now_ms, (count, span_ms) = self._timeline.now_ms, rule.rate
        used_to_ms = max(now_ms, line.used_to_ms)
        if floor((now_ms + span_ms - used_to_ms) * count / span_ms + _NEARLY) > 0:
            return False
        line.closed = "rate"
        opens_at_ms = ceil(used_to_ms - span_ms + span_ms / count)
        if line.opens_at_ms != opens_at_ms and opens_at_ms > now_ms:
            line.opens_at_ms = opens_at_ms
            self._timeline.at(opens_at_ms, OPEN, line)
        return True


def _place(force: Workforce, line: Line) -> int:
    """By what workers that go from queue to queue choose among their lines; the least comes first."""
    crew = force.crew
    place = crew.queues.index(line.queue)
    return place if crew.order == "strict" else (place - force.turn) % len(crew.queues)
