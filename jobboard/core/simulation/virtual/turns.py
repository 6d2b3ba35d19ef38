"""Runs beside others of their job: whether one may be made, what it waits for, whose place it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from jobboard.core.runs.retry import Verdict
from jobboard.core.simulation.simulate import Passed, VirtualRun
from jobboard.core.simulation.virtual.contenders import Going
from jobboard.core.simulation.virtual.timeline import END, EXPIRE, LAPSE, LATE, PROMOTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.runs.misfire import Missed
    from jobboard.core.simulation.simulate import Passing
    from jobboard.core.simulation.standing import Begun
    from jobboard.core.simulation.virtual.contenders import Job, Waiting
    from jobboard.core.simulation.virtual.room import Room
    from jobboard.core.simulation.virtual.terms import Terms
    from jobboard.core.simulation.virtual.timeline import Timeline

    # How a run may be made: at once, behind all that is unfinished, there in the one place, or instead of it.
    Turn: TypeAlias = Literal["now", "line", "latest", "replace"]

LINE = 100
"""How many runs of a job may wait for its own unfinished runs."""
_REPLACED = Verdict("cancelled", 0, "replaced by a newer run")


class Turns:
    """What was made and what was passed over; see `admit` and `enter`.

    Attributes:
        runs, passed: See `Simulation`; of the runs, some were skipped after they were made.
    """

    def __init__(self, timeline: Timeline, room: Room) -> None:
        self.runs: list[VirtualRun] = []
        self.passed: list[Passed] = []
        self._timeline, self._room = timeline, room
        self._sequence = 0

    def admit(self, job: Job, nominal_ms: int, why_not: str = "", span: Missed | None = None) -> Turn | None:
        """How a run may be made for a nominal; None where it may not, and that is noted."""
        if job.terms.pauses and job.terms.is_held(nominal_ms):
            self.pass_over(job, "held", nominal_ms, "paused", span)
        elif why_not:
            self.pass_over(job, "skipped", nominal_ms, why_not, span)
        else:
            turn, reason = _overlap(job) if job.live else ("now", "")
            if turn is not None and not self.is_passed_by_hand(job, nominal_ms):
                return turn
            if turn is None:
                self.pass_over(job, "skipped", nominal_ms, f"overlap: {reason}")
        return None

    def is_passed_by_hand(self, job: Job, nominal_ms: int) -> bool:
        """Whether somebody had a job's next runs passed over: asked last, of a run that would be made."""
        if not job.skips:
            return False
        job.skips -= 1
        self.pass_over(job, "skipped", nominal_ms, "skip-next")
        return True

    def pass_over(
        self, job: Job, state: Passing, nominal_ms: int, reason: str, span: Missed | None = None
    ) -> None:
        """Write down that a nominal was decided without a run, or a span of them."""
        first_ms, count = (span.first_ms, span.count) if span is not None else (nominal_ms, 1)
        now_ms = self._timeline.now_ms
        self.passed.append(Passed(job.address, state, nominal_ms, reason, now_ms, first_ms, count))

    def miss(self, job: Job, missed: Missed) -> Passing:
        """Write down that a span was missed, or held where a hold covers the last of it; which it is."""
        state: Passing = "held" if job.terms.is_held(missed.last_ms) else "missed"
        self.pass_over(job, state, missed.last_ms, "paused" if state == "held" else missed.reason, missed)
        return state

    def create(
        self,
        run: VirtualRun,
        job: Job,
        turn: Turn = "now",
        *,
        caught_up: bool = False,
        asks: Sequence[Waiting] = (),
    ) -> list[Going]:
        """Make a run, and let it wait its turn where it has one; the runs it took the place of."""
        replaced = self._supersede(job, turn) if turn in ("latest", "replace") else []
        waits = turn != "now" and bool(job.live)
        going = self.take_up(run, job, asks=asks, lined=waits)
        going.caught_up = waits and caught_up
        if not waits and not asks:
            self._room.enqueue(going)
        return replaced

    def take_up(
        self,
        run: VirtualRun,
        job: Job,
        *,
        asks: Sequence[Waiting],
        lined: bool,
        begun: tuple[Begun, Terms, int] | None = None,
    ) -> Going:
        """Have a run, at its gate or in its job's line where it waits there; the caller places any other.

        Args:
            run: Which.
            job: Whose.
            asks: What it waits for at its gate.
            lined: Whether it waits in the line.
            begun: Of one that was there before, what it was made by, and its place among those by age.
        """
        self.runs.append(run)
        if begun is None:
            self._sequence += 1
            going = Going(job, run, self._sequence)
            self._watch(going)
        else:
            made, terms, number = begun
            self._sequence = max(self._sequence, number)
            going = Going(job, run, number, terms)
            run.deadline_ms, going.expires_ms = made.deadline_ms, made.expires_ms
            self._look_at(going)
        for waiting in asks:
            going.asks[waiting.need.parent] = waiting
            if waiting.until_ms is not None:
                self._timeline.at(waiting.until_ms, LAPSE, going)
        job.live[going] = None
        if lined:
            going.since_ms = self._timeline.now_ms
            going.cause = ("turn", job.address, job.address)
            job.line[going] = None
        return going

    def advance(self, job: Job) -> None:
        """Let the first in a job's line go on, once nothing else of it is unfinished."""
        if job.line and len(job.live) == len(job.line):
            going = next(iter(job.line))
            del job.line[going]
            self.proceed(going)

    def proceed(self, going: Going) -> None:
        """Let a run go on, unless something is left to wait for: other runs, its gate, its turn, its time."""
        if going.needs or going.asks or going in going.job.line:
            return
        if going.run.due_ms > self._timeline.now_ms:
            self._timeline.at(going.run.due_ms, PROMOTE, going)
        else:
            self._room.enqueue(going)

    def stop(self, going: Going, how: Verdict) -> None:
        """End what runs, as if commands ended at once when they are told to."""
        now_ms = self._timeline.now_ms
        going.stopped = how
        going.run.spans[-1] = (going.run.spans[-1][0], now_ms)
        self._timeline.at(now_ms, END, going)

    def _watch(self, going: Going) -> None:
        """Know when a run is to have started, and when it is to be over; see `create`."""
        terms, run = going.terms, going.run
        if terms.finish_by_ms is not None:
            run.deadline_ms = run.due_ms + terms.finish_by_ms
        if terms.start_within_ms is not None:
            going.expires_ms = run.due_ms + terms.start_within_ms
        self._look_at(going)

    def _look_at(self, going: Going) -> None:
        """Have a run looked at when it is to have started, and when it is called off."""
        called_off_ms = going.run.deadline_ms if going.terms.is_called_off else None
        for kind, at_ms in ((LATE, called_off_ms), (EXPIRE, going.expires_ms)):
            if at_ms is not None:
                self._timeline.at(max(at_ms, self._timeline.now_ms), kind, going, at_ms)

    def _supersede(self, job: Job, turn: Turn) -> list[Going]:
        """Make way for a newer run; the runs that ended with that."""
        ended = []
        for going in [*job.line, *(job.live if turn == "replace" else ())]:
            if going.running:
                if going.stopped is None:
                    self.stop(going, _REPLACED)
            elif not going.is_over:
                self._drop(going)
                ended.append(going)
        return ended

    def _drop(self, going: Going) -> None:
        """A run that has not started gives up its place to a newer one."""
        job, run = going.job, going.run
        going.is_over = True
        self._room.note_wait(going)
        job.line.pop(going, None)
        del job.live[going]
        if run.spans:
            run.end("cancelled", _REPLACED.reason, self._timeline.now_ms)
        else:
            run.state = "skipped"
            self.pass_over(job, "skipped", run.nominal_ms, "overlap: a newer run took its place")


def _overlap(job: Job) -> tuple[Turn | None, str]:
    """What a job with unfinished runs does with one more; see `admit`."""
    rule = job.terms.overlap
    if not (job.line and next(iter(job.line)).caught_up):
        if rule == "allow":
            return "now", ""
        if rule == "skip":
            return None, f"{next(iter(job.live)).run.run_id} has not finished"
        if rule == "queue_latest":
            return "latest", ""
        if rule == "replace":
            return "replace", ""
        if not isinstance(rule, str):
            most = rule["allow"]
            return ("now", "") if len(job.live) < most else (None, f"{most} runs have not finished")
    return ("line", "") if len(job.line) < LINE else (None, "100 runs are in line")
