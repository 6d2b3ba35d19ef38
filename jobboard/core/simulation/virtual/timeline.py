"""What happens when, in virtual time: a heap of events, and the spans in which nobody looks at them."""

from __future__ import annotations

from bisect import bisect_right
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, TypeAlias

from jobboard.core.jobs.gate import is_windowed

if TYPE_CHECKING:
    from jobboard.core.simulation.simulate import Scenario
    from jobboard.core.simulation.virtual.contenders import Going, Job, Line
    from jobboard.core.simulation.virtual.terms import Terms

    # Instant, kind, place among those of one kind at one instant, what it is about. The place is a round, the
    # instant it should have been, and what tells it from others: a scheduler claims all that is due, the
    # longest due first, and fires that before it claims again.
    Event: TypeAlias = tuple[int, int, tuple[int, int, int], Any]

CHANGE, EXPIRE, LAPSE, LATE, FIRE, PROMOTE, OPEN, END = range(8)
"""The kinds of events; of those at one instant, the first of these comes first."""


class Timeline:
    """The events that are still to come.

    Args:
        scenario: Of the simulation; it begins where that begins.

    Attributes:
        now_ms: The instant that is being played.
        events: What is to come, as a heap.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.now_ms = scenario.from_ms
        self.events: list[Event] = []
        self._until_ms = scenario.until_ms
        self._downtimes = sorted((down.from_ms, down.until_ms) for down in scenario.downtimes)
        self._round = -1

    def take(self) -> Event:
        """The next event, gone from what is to come."""
        event = heappop(self.events)
        if event[1] == FIRE:
            self._round = event[2][0]
        return event

    def at(self, at_ms: int, kind: int, subject: Going | Line, should_ms: int | None = None) -> None:
        """Have something happen; of two at one instant, first what should have happened first."""
        place = (0, at_ms if should_ms is None else should_ms, subject.sequence)
        heappush(self.events, (at_ms, kind, place, subject))

    def change(self, at_ms: int, job: Job, terms: Terms) -> None:
        """Have a job run by other terms from an instant on."""
        heappush(self.events, (at_ms, CHANGE, (0, at_ms, job.order), (job, terms)))

    def expect(self, job: Job) -> None:
        """Have the job looked at when its next nominal is due."""
        assert job.schedule is not None
        nominal_ms = job.schedule.next_after(job.cursor_ms)
        job.next_ms, job.due_ms = nominal_ms, None
        if nominal_ms is not None and nominal_ms < self._until_ms:
            due_ms = job.schedule.due(nominal_ms)
            if due_ms >= self._until_ms and is_windowed(job.terms.spec):
                # What it waits for comes after the end, too.
                return
            job.due_ms = due_ms
            at_ms, claimed = (due_ms, 0) if due_ms > self.now_ms else (self.now_ms, self._round + 1)
            heappush(self.events, (at_ms, FIRE, (claimed, due_ms, job.order), job))

    def pace(self, job: Job) -> None:
        """Have a job whose runs come a while after each other be due again, if it is one; see `pace`."""
        delay_ms = job.terms.delay_ms
        if delay_ms is None or not job.terms.is_enabled or job.live or job.is_used_up:
            return
        assert job.schedule is not None
        job.schedule = job.schedule.anchored(self.now_ms + delay_ms)
        self.expect(job)

    def is_put_off(
        self, kind: int, order: int, subject: Job | Going | Line, should_ms: int | None = None
    ) -> bool:
        """Whether no scheduler runs now; then the next one looks again."""
        if not self._downtimes or (back_at_ms := self._back_at()) is None:
            return False
        place = (0, self.now_ms if should_ms is None else should_ms, order)
        heappush(self.events, (back_at_ms, kind, place, subject))
        return True

    def _back_at(self) -> int | None:
        """When a scheduler runs again; None if one does now."""
        index = bisect_right(self._downtimes, (self.now_ms, float("inf"))) - 1
        if index >= 0 and self.now_ms < self._downtimes[index][1]:
            return self._downtimes[index][1]
        return None
