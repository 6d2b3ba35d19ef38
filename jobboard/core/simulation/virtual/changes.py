"""Definitions that come into force on the way: overrides that end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.gate import is_windowed, windows_of
from jobboard.core.plans.change import moves_schedule
from jobboard.core.plans.forecast import next_due_between
from jobboard.core.runs.misfire import Missed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.virtual.contenders import Job
    from jobboard.core.simulation.virtual.kin import Kin
    from jobboard.core.simulation.virtual.terms import Terms
    from jobboard.core.simulation.virtual.timeline import Timeline
    from jobboard.core.simulation.virtual.turns import Turns

_UNSEEN = "no scheduler looked before its override ended"


class Changes:
    """What runs from an instant on; see `take_off_ended`.

    Args:
        specs: Definitions by address, as they are now: this keeps them so.
    """

    def __init__(self, timeline: Timeline, turns: Turns, kin: Kin, specs: dict[str, Spec]) -> None:
        self._timeline, self._turns, self._kin, self._specs = timeline, turns, kin, specs

    def come_into_force(self, job: Job, terms: Terms, jobs: Iterable[Job]) -> None:
        """From now on a job runs by other terms; what was made by the old ones keeps them.

        Args:
            job: Which one.
            terms: The new ones.
            jobs: All there are.
        """
        ran, runs = job.terms, terms
        job.terms = terms
        self._specs[job.address] = terms.spec
        if not moves_schedule(ran.spec, runs.spec):
            return
        # A nominal at this very instant is the first of what comes into force.
        upto_ms = self._timeline.now_ms - 1
        if ran.is_enabled and ran.delay_ms is None:
            self._miss(job, upto_ms)
        job.cursor_ms, job.due_ms, job.schedule = upto_ms, None, runs.schedule
        for other in jobs:
            if is_windowed(other.terms.spec):
                other.schedule = windows_of(other.address, other.terms.spec, self._specs)
        if job.schedule is None or not runs.is_enabled or job.is_used_up:
            return
        if runs.delay_ms is not None:
            due_ms = next_due_between(job.address, ran.spec, runs.spec, upto_ms)
            job.schedule = job.schedule.anchored(upto_ms if due_ms is None else due_ms)
        self._timeline.expect(job)

    def _miss(self, job: Job, upto_ms: int) -> None:
        """Pass over the nominals of the old schedule that nobody has decided."""
        if job.schedule is None:
            return
        first_ms, last_ms = job.schedule.next_after(job.cursor_ms), job.schedule.prev_at(upto_ms)
        if first_ms is None or last_ms is None or first_ms > last_ms:
            return
        missed = Missed(job.schedule.count(job.cursor_ms, last_ms), first_ms, last_ms, _UNSEEN)
        state = self._turns.miss(job, missed)
        self._kin.follow(job, missed.last_ms, state, missed)
