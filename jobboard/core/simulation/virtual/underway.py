"""Runs that are not over as a simulation begins: each goes on from where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from jobboard.core.jobs.depend import line_of
from jobboard.core.runs.retry import Verdict
from jobboard.core.simulation.simulate import VirtualRun
from jobboard.core.simulation.virtual.timeline import PROMOTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.record import Record
    from jobboard.core.simulation.virtual.contenders import Going, Job, Waiting
    from jobboard.core.simulation.virtual.gates import Gates
    from jobboard.core.simulation.virtual.room import Room
    from jobboard.core.simulation.virtual.timeline import Timeline
    from jobboard.core.simulation.virtual.turns import Turns

    _Trigger: TypeAlias = Literal["schedule", "after", "manual"]

_STOPPED = Verdict("cancelled", 0, "cancelled")


class Underway:
    """Takes up what was begun before.

    A run goes by what its job says now, though an earlier definition may have made it. One that a person let
    wait for other runs is left out.
    """

    def __init__(self, timeline: Timeline, room: Room, turns: Turns, gates: Gates) -> None:
        self._timeline, self._room, self._turns, self._gates = timeline, room, turns, gates

    def take_up(self, begun: Iterable[Record], jobs: Mapping[str, Job], specs: Mapping[str, Spec]) -> None:
        """Put runs where they are; of a job that is not simulated none is."""
        there = [record for record in begun if record.job in jobs]
        # Those with slots and locks first, then the rest by age, as they stand in line.
        for record in sorted(there, key=lambda r: (r.started_at_ms is None, r.queued_at_ms or r.nominal_ms)):
            self._take_up(record, jobs[record.job])
        for child in jobs.values():
            if len(child.parents) > 1 and not child.needs:
                _tell_of_the_past(child, jobs, specs)

    def _take_up(self, record: Record, job: Job) -> None:
        asks: Sequence[Waiting] = ()
        lined = record.state == "blocked" and not record.needs
        if record.state == "blocked" and record.needs:
            if not job.needs:
                return
            asks, (policy, _) = self._gates.asks(job, record.nominal_ms, self._timeline.now_ms)
            if policy:
                return
        run = VirtualRun(
            record.job,
            record.nominal_ms,
            _due_ms(record, job),
            record.queued_at_ms or record.nominal_ms,
            _trigger(record),
            attempt=record.attempt,
            defers=record.defers,
        )
        if run.trigger == "schedule":
            job.cursor_ms = max(job.cursor_ms, record.nominal_ms)
        if run.trigger != "manual":
            job.begun_ms.add(record.nominal_ms)
        going = self._turns.take_up(run, job, asks=asks, lined=lined)
        if record.state in ("running", "stopping"):
            self._go_on(going, record)
        elif record.state == "delayed" and (record.due_at_ms or 0) > self._timeline.now_ms:
            self._timeline.at(record.due_at_ms or 0, PROMOTE, going)
        elif not asks and not lined:
            self._room.enqueue(going)

    def _go_on(self, going: Going, record: Record) -> None:
        """It has its slot and its locks, and has run for a while."""
        now_ms = self._timeline.now_ms
        ran_ms = max(0, now_ms - (record.started_at_ms or now_ms))
        self._room.start(going, max(0, going.terms.tries_ms - ran_ms))
        if record.state == "stopping":
            self._turns.stop(going, _STOPPED)


def _due_ms(record: Record, job: Job) -> int:
    """When it was due; the store says of a delayed one when it is again."""
    if record.trigger == "schedule" and job.terms.schedule is not None:
        return job.terms.schedule.due(record.nominal_ms)
    return record.queued_at_ms or record.nominal_ms


def _trigger(record: Record) -> _Trigger:
    return "schedule" if record.trigger == "schedule" else "after" if record.trigger == "after" else "manual"


def _tell_of_the_past(child: Job, jobs: Mapping[str, Job], specs: Mapping[str, Spec]) -> None:
    """Have a job that waits for several know of those whose runs for a nominal were over before: well."""
    above = {
        parent: [jobs[each] for each in line_of(parent, specs) if each in jobs] for parent in child.parents
    }
    comes = {
        parent: {going.run.nominal_ms for job in line for going in job.live} for parent, line in above.items()
    }
    for nominal_ms in set[int]().union(*comes.values()):
        told = {parent: "ok" for parent, open_ms in comes.items() if nominal_ms not in open_ms}
        if told:
            child.joins[nominal_ms] = told
