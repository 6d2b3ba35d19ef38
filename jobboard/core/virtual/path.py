"""One simulation, put together and played."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from jobboard.core.depend import line_of
from jobboard.core.gate import windows_of
from jobboard.core.virtual.contenders import Job
from jobboard.core.virtual.ends import Ends
from jobboard.core.virtual.gates import Gates
from jobboard.core.virtual.kin import Kin
from jobboard.core.virtual.room import Room
from jobboard.core.virtual.scheduler import Scheduler
from jobboard.core.virtual.timeline import END, EXPIRE, FIRE, LAPSE, LATE, Timeline
from jobboard.core.virtual.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.model import Spec
    from jobboard.core.simulate import Passed, Scenario, VirtualRun


class RunPath:
    """One simulation; `play` it once.

    Args:
        jobs: Definitions by address.
        scenario: The circumstances.
    """

    def __init__(self, jobs: Mapping[str, Spec], scenario: Scenario) -> None:
        self._scenario = scenario
        self._timeline = Timeline(scenario)
        self._room = Room(self._timeline, scenario)
        self._turns = Turns(self._timeline, self._room)
        self._kin = Kin(self._timeline, self._room, self._turns)
        gates = Gates(jobs, scenario.from_ms)
        self._scheduler = Scheduler(self._timeline, self._turns, gates, self._kin, until_ms=scenario.until_ms)
        self._ends = Ends(self._timeline, self._room, self._turns, self._kin)
        self._prepare({a: spec for a, spec in sorted(jobs.items()) if spec.get("enabled", True)})

    @property
    def runs(self) -> Sequence[VirtualRun]:
        """See `Simulation`; complete once it was played."""
        return [run for run in self._turns.runs if run.state != "skipped"]

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
                else:
                    self._ends.promote(subject, due_ms)
            self._room.serve()

    def _prepare(self, specs: Mapping[str, Spec]) -> None:
        known = {address: Job(address, spec, self._scenario) for address, spec in specs.items()}
        for order, job in enumerate(known.values()):
            job.order = order
            job.pool = self._room.pool(job.queue)
            locks = sorted(job.spec.get("locks", {}).items())
            job.locks = tuple((self._room.lock(name), capacity) for name, capacity in locks)
            if job.needs:
                _gate(job, specs, known)
            for parent in () if job.needs else job.parents:
                if parent in known:
                    known[parent].children.append(job)
            if job.schedule is not None and not job.is_used_up:
                self._timeline.expect(job)
        self._timeline.begin()


def _gate(job: Job, specs: Mapping[str, Spec], known: Mapping[str, Job]) -> None:
    """Have the jobs that one waits for tell it how their runs end."""
    if job.parents:
        job.schedule = windows_of(job.address, job.spec, specs)
    for need in job.needs:
        if (parent := known.get(need.parent)) is not None:
            job.asked.append(parent)
            parent.asking.append(job)
            above = line_of(need.parent, specs)
            parent.above = tuple(known[address] for address in above if address in known)
