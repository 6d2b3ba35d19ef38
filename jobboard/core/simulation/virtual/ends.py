"""Ends: of a try, of a delay, of the time in which a run was to start or to be over."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from jobboard.core.runs.retry import Verdict, judge
from jobboard.core.simulation.simulate import CALLED_OFF, NOT_STARTED
from jobboard.core.simulation.virtual.timeline import EXPIRE, LATE, PROMOTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.simulation.simulate import Ended
    from jobboard.core.simulation.virtual.contenders import Going
    from jobboard.core.simulation.virtual.kin import Kin
    from jobboard.core.simulation.virtual.room import Room
    from jobboard.core.simulation.virtual.timeline import Timeline
    from jobboard.core.simulation.virtual.turns import Turns

_OK = Verdict("ok", 0, "")
_STATES: Mapping[str, Ended] = MappingProxyType({"ok": "ok", "cancelled": "cancelled", "drop": "skipped"})
_TOO_LATE = Verdict("cancelled", 0, CALLED_OFF)


class Ends:
    """What becomes of a run when something ends; see `finish` and `tick`."""

    def __init__(self, timeline: Timeline, room: Room, turns: Turns, kin: Kin) -> None:
        self._timeline, self._room, self._turns, self._kin = timeline, room, turns, kin

    def end(self, going: Going) -> None:
        """A try is over: what `finish` does."""
        if going.is_over:
            return
        job, run = going.job, going.run
        going.running = False
        verdict = going.stopped or _verdict(going)
        self._room.release(going)
        if verdict.verdict in ("retry", "defer"):
            self._again(going, verdict)
            return
        going.is_over = True
        run.end(_STATES.get(verdict.verdict, "failed"), verdict.reason, self._timeline.now_ms)
        del job.live[going]
        self._turns.advance(job)
        self._timeline.pace(job)
        self._kin.hear_of(going)

    def promote(self, going: Going, due_ms: int) -> None:
        """A delay is over, unless nobody looks."""
        if going.is_over or self._timeline.is_put_off(PROMOTE, going.sequence, going, due_ms):
            return
        if going.doomed is not None:
            self._kin.doom(going, *going.doomed)
        else:
            self._room.enqueue(going)

    def expire(self, going: Going) -> None:
        """A run was to have started by now."""
        if going.is_over or going.expires_ms is None:
            return
        if self._timeline.is_put_off(EXPIRE, going.sequence, going):
            return
        self._kin.doom(going, "skip", NOT_STARTED)

    def call_off(self, going: Going) -> None:
        """A run was to be over by now, and is called off otherwise."""
        if going.is_over or going.stopped is not None:
            return
        if self._timeline.is_put_off(LATE, going.sequence, going):
            return
        if going.running:
            self._turns.stop(going, _TOO_LATE)
        else:
            self._room.note_wait(going)
            self._kin.doom(going, "cancel", CALLED_OFF)

    def _again(self, going: Going, verdict: Verdict) -> None:
        """A run is tried once more, at once or after a while."""
        going.run.attempt += verdict.verdict == "retry"
        going.run.defers += verdict.verdict == "defer"
        going.since_ms = 0
        if verdict.delay_ms:
            self._timeline.at(self._timeline.now_ms + verdict.delay_ms, PROMOTE, going)
        else:
            self._room.enqueue(going)


def _verdict(going: Going) -> Verdict:
    terms, run, exits = going.terms, going.run, going.job.exits
    timed_out = terms.stops_ms is not None and terms.lasts_ms > terms.stops_ms
    if not timed_out and not exits:
        return _OK
    tried = run.attempt + run.defers - 1
    return judge(
        terms.spec,
        attempt=run.attempt,
        defers=run.defers,
        exit_code=None if timed_out else exits[min(tried, len(exits) - 1)],
        timed_out=timed_out,
        seed=run.run_id,
    )
