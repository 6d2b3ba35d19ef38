"""One simulation, put together and played."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from jobboard.core.jobs.depend import line_of
from jobboard.core.jobs.gate import windows_of
from jobboard.core.simulation.virtual.changes import Changes
from jobboard.core.simulation.virtual.contenders import Job
from jobboard.core.simulation.virtual.ends import Ends
from jobboard.core.simulation.virtual.gates import Gates
from jobboard.core.simulation.virtual.kin import Kin
from jobboard.core.simulation.virtual.room import Room
from jobboard.core.simulation.virtual.scheduler import Scheduler
from jobboard.core.simulation.virtual.terms import Terms
from jobboard.core.simulation.virtual.timeline import END, EXPIRE, FIRE, LAPSE, LATE, OPEN, PROMOTE, Timeline
from jobboard.core.simulation.virtual.turns import Turns
from jobboard.core.simulation.virtual.underway import Underway

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.simulate import Later, Passed, Scenario, VirtualRun


class RunPath:
    """One simulation; `play` it once.

    Args:
        jobs: Definitions by address.
        scenario: The circumstances.
        later: Address to what comes into force later, from when, in order of time.
    """

    def __init__(self, jobs: Mapping[str, Spec], scenario: Scenario, later: Later) -> None:
        self._scenario = scenario
        self._timeline = Timeline(scenario)
        self._room = Room(self._timeline, scenario)
        self._turns = Turns(self._timeline, self._room)
        self._kin = Kin(self._timeline, self._room, self._turns)
        specs = dict(jobs)
        self._changes = Changes(self._timeline, self._turns, self._kin, specs)
        gates = Gates(specs, scenario.from_ms)
        self._underway = Underway(self._timeline, self._room, self._turns, self._kin, scenario)
        until_ms = scenario.until_ms
        self._scheduler = Scheduler(self._timeline, self._turns, gates, self._kin, until_ms=until_ms)
        self._ends = Ends(self._timeline, self._room, self._turns, self._kin)
        self._jobs: dict[str, Job] = {}
        self._prepare(specs, later)

    @property
    def runs(self) -> Sequence[VirtualRun]:
        """See `Simulation`; complete once it was played."""
        return [run for run in self._turns.runs if run.state != "skipped" or run.spans]

    @property
    def passed(self) -> Sequence[Passed]:
        """See `Simulation`; complete once it was played."""
        return self._turns.passed

    def play(self) -> None:
        """Let everything happen, to the end of the last run."""
        was_enabled = gc.isenabled()
        # Nothing made on the way is garbage in a circle, and looking for some takes half the time.
        gc.disable()
        try:
            self._play()
        finally:
            if was_enabled:
                gc.enable()
        for job in self._jobs.values():
            for going in job.live:
                going.run.reason = going.waits_for

    def _play(self) -> None:
        timeline, events = self._timeline, self._timeline.events
        while events:
            now_ms = timeline.now_ms = events[0][0]
            while events and events[0][0] == now_ms:
                _, kind, (_, due_ms, _), subject = timeline.take()
                if kind == FIRE:
                    self._scheduler.look(subject, due_ms)
                elif kind == END:
                    self._ends.end(subject)
                elif kind == LAPSE:
                    self._kin.lapse(subject)
                elif kind == EXPIRE:
                    self._ends.expire(subject)
                elif kind == LATE:
                    self._ends.call_off(subject)
                elif kind == PROMOTE:
                    self._ends.promote(subject, due_ms)
                elif kind == OPEN:
                    self._room.lines.open(subject)
                else:
                    job, terms = subject
                    self._changes.come_into_force(job, terms, self._jobs.values())
            self._room.serve()

    def _prepare(self, specs: Mapping[str, Spec], later: Later) -> None:
        jobs, scenario = self._jobs, self._scenario
        begun = {one.record.job: one.spec for one in scenario.standing.begun}
        known = {**{address: _bare(spec) for address, spec in begun.items()}, **specs}
        for address, spec in sorted(known.items()):
            comes = [*later.get(address, ())]
            is_ever_enabled = any(one.get("enabled", True) for one in (spec, *(then for _, then in comes)))
            if is_ever_enabled or address in begun:
                terms = Terms(address, spec, scenario, self._room)
                job = jobs[address] = Job(address, len(jobs), terms, scenario)
                for at_ms, then in comes:
                    self._timeline.change(at_ms, job, Terms(address, then, scenario, self._room))
        for job in jobs.values():
            if job.needs:
                _gate(job, specs, jobs)
            for parent in () if job.needs else job.parents:
                if parent in jobs:
                    jobs[parent].children.append(job)
        self._underway.take_up(scenario.standing.begun, jobs)
        for job in jobs.values():
            if job.schedule is not None and job.terms.is_enabled and not job.is_used_up:
                self._timeline.expect(job)
        self._room.serve()


def _bare(spec: Spec | None) -> Spec:
    """What is known of a job that is gone, by a run of it that is not over: nothing of it comes any more."""
    return {key: value for key, value in (spec or {}).items() if key not in ("schedule", "after", "needs")}


def _gate(job: Job, specs: Mapping[str, Spec], known: Mapping[str, Job]) -> None:
    """Have the jobs that one waits for tell it how their runs end."""
    if job.parents:
        job.schedule = windows_of(job.address, job.terms.spec, specs)
    for need in job.needs:
        if (parent := known.get(need.parent)) is not None:
            job.asked.append(parent)
            parent.asking.append(job)
            above = line_of(need.parent, specs)
            parent.above = tuple(known[address] for address in above if address in known)
            parent.is_cut_off = any(address in specs and address not in known for address in above)
