"""Jobs that wait for others: what was decided of one is told to those after it and those at their gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.simulation.simulate import VirtualRun
from jobboard.core.simulation.virtual.timeline import LAPSE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobboard.core.runs.misfire import Missed
    from jobboard.core.simulation.virtual.contenders import Going, Job
    from jobboard.core.simulation.virtual.room import Room
    from jobboard.core.simulation.virtual.timeline import Timeline
    from jobboard.core.simulation.virtual.turns import Turns

_DEEPEST = 100
"""A chain of dependents this deep is a circle that live edits closed; the store stops there too."""


class Kin:
    """Who is told of whom; see `follow` and `doom`."""

    def __init__(self, timeline: Timeline, room: Room, turns: Turns) -> None:
        self._timeline, self._room, self._turns = timeline, room, turns
        # Run to those that wait for its end, since somebody told them to.
        self._awaiting: dict[str, list[Going]] = {}

    def wait_for(self, going: Going, needs: Iterable[str]) -> None:
        """Have a run wait for others."""
        going.needs.update(needs)
        for run_id in needs:
            self._awaiting.setdefault(run_id, []).append(going)

    def follow(self, parent: Job, nominal_ms: int, how: str, span: Missed | None = None) -> None:
        """Decide the children of a job that was decided, and of those passed over theirs."""
        agenda = [(parent, nominal_ms, how, 1, span)]
        while agenda:
            job, nominal_ms, how, depth, span = agenda.pop()
            if job.asking:
                self._tell(job, nominal_ms, how, span)
            for child in job.children if depth <= _DEEPEST else ():
                if not child.terms.is_enabled:
                    continue
                why_not = child.hears(nominal_ms, job.address, how, is_span=span is not None)
                if why_not is None:
                    continue
                turn = self._turns.admit(child, nominal_ms, why_not, span)
                if turn is None:
                    agenda.append((child, nominal_ms, "skipped", depth + 1, span))
                    continue
                now_ms = self._timeline.now_ms
                run = VirtualRun(child.address, nominal_ms, now_ms, now_ms, "after")
                for replaced in self._turns.create(run, child, turn):
                    own = replaced.run
                    self._release(own)
                    agenda.append((child, own.nominal_ms, own.state, depth + 1, None))

    def hear_of(self, going: Going) -> None:
        """Tell of a run that is over; nobody comes after one that a person started."""
        job, run = going.job, going.run
        self._release(run)
        if (job.children or job.asking) and run.trigger != "manual":
            self.follow(job, run.nominal_ms, run.state)

    def lapse(self, going: Going) -> None:
        """A run has waited at its gate for as long as it was to."""
        if going.is_over or not going.asks or self._timeline.is_put_off(LAPSE, going.sequence, going):
            return
        for parent, waiting in list(going.asks.items()):
            if waiting.until_ms is None or waiting.until_ms > self._timeline.now_ms:
                continue
            if waiting.need.on_timeout != "run":
                self.doom(going, waiting.need.on_timeout, f"needs: {parent} did not come in time")
                return
            self._open(going, parent)

    def doom(self, going: Going, policy: str, why: str) -> None:
        """A run that waited ends without having started: it is skipped, it fails, or it is cancelled."""
        job, run = going.job, going.run
        going.is_over = True
        going.asks.clear()
        job.line.pop(going, None)
        del job.live[going]
        if policy == "skip":
            run.state = "skipped"
            self._turns.pass_over(job, "skipped", run.nominal_ms, why)
        else:
            run.end("failed" if policy == "fail" else "cancelled", why, self._timeline.now_ms)
        self.hear_of(going)
        self._turns.advance(job)
        self._timeline.pace(job)

    def _release(self, run: VirtualRun) -> None:
        """Let those go on that wait for a run which has ended well, and end the others; see `release`."""
        if not self._awaiting:
            return
        for going in self._awaiting.pop(run.run_id, ()):
            if going.is_over:
                continue
            going.needs.discard(run.run_id)
            if run.state == "ok":
                self._turns.proceed(going)
            else:
                self.doom(going, "skip", f"after: {run.run_id} {run.state}")

    def _tell(self, parent: Job, nominal_ms: int, how: str, span: Missed | None) -> None:
        """Let those hear of a nominal that wait for it at their gates."""
        parent.outcomes[nominal_ms] = how
        first_ms, count = (nominal_ms, 1) if span is None else (span.first_ms, span.count)
        for going in [going for job in parent.asking for going in job.live if parent.address in going.asks]:
            waiting = going.asks[parent.address]
            waiting.hears(nominal_ms, how, first_ms, count)
            policy = waiting.need.on_timeout
            if waiting.left <= 0 or (waiting.open < waiting.left and policy == "run"):
                self._open(going, parent.address)
            elif waiting.open < waiting.left:
                kind = "after" if waiting.need.strict else "needs"
                self.doom(going, policy, f"{kind}: {parent.address} {how}")

    def _open(self, going: Going, parent: str) -> None:
        """A run waits for nothing more of one job; where that was the last it goes on."""
        del going.asks[parent]
        self._turns.proceed(going)
