"""Runs that are not over as a simulation begins: each goes on from where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from jobboard.core.runs.retry import Verdict
from jobboard.core.simulation.simulate import VirtualRun
from jobboard.core.simulation.virtual.contenders import Waiting
from jobboard.core.simulation.virtual.terms import Terms
from jobboard.core.simulation.virtual.timeline import PROMOTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobboard.core.runs.record import Record
    from jobboard.core.simulation.simulate import Scenario
    from jobboard.core.simulation.standing import Begun
    from jobboard.core.simulation.virtual.contenders import Going, Job
    from jobboard.core.simulation.virtual.kin import Kin
    from jobboard.core.simulation.virtual.room import Room
    from jobboard.core.simulation.virtual.timeline import Timeline
    from jobboard.core.simulation.virtual.turns import Turns

    _Trigger: TypeAlias = Literal["schedule", "after", "manual"]

_STARTED = ("running", "stopping")
_STOPPED = Verdict("cancelled", 0, "cancelled")


class Underway:
    """Takes up what was begun before. A run goes by the definition it was made with, and by its own queue."""

    def __init__(self, timeline: Timeline, room: Room, turns: Turns, kin: Kin, scenario: Scenario) -> None:
        self._timeline, self._room, self._turns, self._kin = timeline, room, turns, kin
        self._scenario = scenario

    def take_up(self, begun: Iterable[Begun], jobs: Mapping[str, Job]) -> None:
        """Put runs where they are."""
        by_age = sorted(begun, key=_age)
        # Those with slots and locks first, since the others look for those.
        for are_first in (True, False):
            for number, one in enumerate(by_age, 1):
                if (one.record.state in _STARTED) is are_first:
                    self._take_up(one, number, jobs[one.record.job])

    def _take_up(self, one: Begun, number: int, job: Job) -> None:
        record, terms = one.record, self._terms(one, job)
        run = VirtualRun(
            record.job,
            record.nominal_ms,
            _due_ms(one, terms),
            record.queued_at_ms or record.nominal_ms,
            _trigger(record),
            attempt=record.attempt,
            defers=record.defers,
            known_as=record.run_id,
        )
        if run.trigger == "schedule":
            job.cursor_ms = max(job.cursor_ms, record.nominal_ms)
        if run.trigger != "manual":
            job.begun_ms.add(record.nominal_ms)
        asks = [Waiting(asked, until_ms) for asked, until_ms in one.asks]
        going = self._turns.take_up(run, job, asks=asks, lined=one.in_line, begun=(one, terms, number))
        going.caught_up, going.forced, going.doomed = one.caught_up, one.forced, one.doomed
        self._kin.wait_for(going, one.needs)
        if record.state in _STARTED:
            self._go_on(going, record)
        elif record.state == "delayed" and (record.due_at_ms or 0) > self._timeline.now_ms:
            self._timeline.at(record.due_at_ms or 0, PROMOTE, going)
        elif going.doomed is not None:
            self._timeline.at(self._timeline.now_ms, PROMOTE, going)
        elif record.state == "delayed":
            self._room.enqueue(going)
        else:
            self._turns.proceed(going)

    def _terms(self, one: Begun, job: Job) -> Terms:
        """What it was made by; what its job says now where that is not known."""
        spec = job.terms.spec if one.spec is None else one.spec
        return Terms(job.address, spec, self._scenario, self._room).as_made(one, self._scenario, self._room)

    def _go_on(self, going: Going, record: Record) -> None:
        """It has its slot and its locks, and has run for a while."""
        now_ms = self._timeline.now_ms
        ran_ms = max(0, now_ms - (record.started_at_ms or now_ms))
        self._room.go_on(going, record.worker, max(0, going.terms.tries_ms - ran_ms))
        if record.state == "stopping":
            self._turns.stop(going, _STOPPED)


def _age(one: Begun) -> tuple[int, int]:
    if one.number is not None:
        return 1, one.number
    return 0, one.record.queued_at_ms or one.record.nominal_ms


def _due_ms(one: Begun, terms: Terms) -> int:
    """When it was due; its record says of a delayed one when it is again."""
    if one.due_ms is not None:
        return one.due_ms
    record = one.record
    if record.trigger == "schedule" and terms.schedule is not None:
        return terms.schedule.due(record.nominal_ms)
    return record.queued_at_ms or record.nominal_ms


def _trigger(record: Record) -> _Trigger:
    return "schedule" if record.trigger == "schedule" else "after" if record.trigger == "after" else "manual"
