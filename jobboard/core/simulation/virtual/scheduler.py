"""What is due is decided: fired, missed, caught up or passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.runs.misfire import Missed, decide
from jobboard.core.simulation.simulate import NOT_STARTED, VirtualRun
from jobboard.core.simulation.virtual.timeline import FIRE
from jobboard.core.simulation.virtual.turns import LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.simulation.virtual.contenders import Job
    from jobboard.core.simulation.virtual.gates import Gates
    from jobboard.core.simulation.virtual.kin import Kin
    from jobboard.core.simulation.virtual.timeline import Timeline
    from jobboard.core.simulation.virtual.turns import Turns


class Scheduler:
    """As a scheduler and `fire` together.

    Args:
        until_ms: Nominals from there on are not decided.
    """

    def __init__(self, timeline: Timeline, turns: Turns, gates: Gates, kin: Kin, *, until_ms: int) -> None:
        self._timeline, self._turns, self._gates, self._kin = timeline, turns, gates, kin
        self._until_ms = until_ms

    def look(self, job: Job, due_ms: int) -> None:
        """Decide what is due of a job."""
        if due_ms != job.due_ms or self._timeline.is_put_off(FIRE, job.order, job, due_ms):
            return
        job.due_ms = None
        if job.terms.delay_ms is not None and job.live:
            # The end of the run that is under way says when the next one is due.
            return
        schedule, nominal_ms = job.schedule, job.next_ms
        assert schedule is not None
        assert nominal_ms is not None
        if self._timeline.now_ms - due_ms > job.terms.lateness.late_after_ms:
            decision = decide(schedule, job.cursor_ms, self._timeline.now_ms, job.terms.lateness)
            job.cursor_ms = decision.cursor_ms
            if decision.missed is not None:
                state = self._turns.miss(job, decision.missed)
                self._kin.follow(job, decision.missed.last_ms, state, decision.missed)
            if decision.backlog_ms:
                self._catch_up(job, decision.backlog_ms)
            if decision.nominal_ms is not None and decision.nominal_ms < self._until_ms:
                self._fire(job, decision.nominal_ms, schedule.due(decision.nominal_ms))
        else:
            job.cursor_ms = nominal_ms
            self._fire(job, nominal_ms, due_ms)
        if job.terms.delay_ms is not None and nominal_ms <= job.cursor_ms:
            self._timeline.pace(job)
        elif not job.is_used_up:
            self._timeline.expect(job)

    def _catch_up(self, job: Job, backlog_ms: Sequence[int]) -> None:
        """Make the runs of missed nominals, one behind the other; see `fire`."""
        surplus = max(0, len(backlog_ms) - LINE + len(job.line))
        if surplus:
            too_many = Missed(surplus, backlog_ms[0], backlog_ms[surplus - 1], "its line of 100 is full")
            self._turns.pass_over(job, "missed", too_many.last_ms, too_many.reason, too_many)
            self._kin.follow(job, too_many.last_ms, "missed", too_many)
        for nominal_ms in backlog_ms[surplus:]:
            if job.is_used_up:
                return
            self._make_up_for(job, nominal_ms)

    def _make_up_for(self, job: Job, nominal_ms: int) -> None:
        """Catch up with one missed nominal."""
        assert job.schedule is not None
        due_ms = job.schedule.due(nominal_ms)
        asks, (policy, vain) = self._gates.asks(job, nominal_ms, self._timeline.now_ms)
        if job.terms.is_held(nominal_ms):
            self._turns.pass_over(job, "held", nominal_ms, "paused")
            self._kin.follow(job, nominal_ms, "held")
        elif policy == "skip":
            self._turns.pass_over(job, "skipped", nominal_ms, vain)
            self._kin.follow(job, nominal_ms, "skipped")
        elif nominal_ms >= self._until_ms:
            return
        elif job.terms.is_too_late(due_ms, self._timeline.now_ms):
            self._turns.pass_over(job, "skipped", nominal_ms, NOT_STARTED)
            self._kin.follow(job, nominal_ms, "skipped")
        elif self._turns.is_passed_by_hand(job, nominal_ms):
            self._kin.follow(job, nominal_ms, "skipped")
        else:
            job.used += 1
            run = VirtualRun(job.address, nominal_ms, due_ms, self._timeline.now_ms, "schedule")
            self._turns.create(run, job, turn="line", caught_up=True, asks=asks)
            if policy == "fail":
                self._kin.doom(next(reversed(job.live)), policy, vain)

    def _fire(self, job: Job, nominal_ms: int, due_ms: int) -> None:
        if job.is_used_up:
            return
        now_ms = self._timeline.now_ms
        asks, (policy, vain) = self._gates.asks(job, nominal_ms, now_ms) if job.needs else ([], ("", ""))
        why_not = vain if policy == "skip" else ""
        turn = self._turns.admit(
            job, nominal_ms, NOT_STARTED if job.terms.is_too_late(due_ms, now_ms) else why_not
        )
        if turn is None:
            self._kin.follow(job, nominal_ms, self._turns.passed[-1].state)
            return
        job.used += 1
        run = VirtualRun(job.address, nominal_ms, due_ms, now_ms, "schedule")
        for replaced in self._turns.create(run, job, turn, asks=asks):
            self._kin.hear_of(replaced)
        if policy == "fail":
            self._kin.doom(next(reversed(job.live)), policy, vain)
