"""What a run waits for at its gate, worked out when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.gate import ask, nominals_of, span_of
from jobboard.core.simulation.virtual.contenders import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.virtual.contenders import Job


class Gates:
    """The gates of a simulation's jobs.

    Args:
        specs: Definitions by address, of all the jobs, as they are when something is asked.
        begin_ms: What was before the simulation is taken to have ended well, unless it is under way still.
    """

    def __init__(self, specs: Mapping[str, Spec], begin_ms: int) -> None:
        self._specs, self._begin_ms = specs, begin_ms

    def asks(self, job: Job, nominal_ms: int, now_ms: int) -> tuple[list[Waiting], tuple[str, str]]:
        """What a run waits for; or what becomes of it, since it would wait in vain, and why."""
        assert job.schedule is not None
        next_ms = job.schedule.next_after(nominal_ms)
        next_due_ms = None if next_ms is None else job.schedule.due(next_ms)
        asks: list[Waiting] = []
        for need in job.needs:
            parent = next((above for above in job.asked if above.address == need.parent), None)
            theirs = nominals_of(need.parent, self._specs)
            span = span_of(need, job.schedule, nominal_ms, theirs)
            asked = ask(need, span, theirs, self._known(parent), _may_come(parent))
            if asked.vain and need.on_timeout != "run":
                return [], (
                    need.on_timeout,
                    f"{'after' if need.strict else 'needs'}: {need.parent} {asked.why}",
                )
            until_ms = None if need.strict else next_due_ms
            if need.timeout_ms is not None:
                until_ms = now_ms + need.timeout_ms
            if asked.left and not asked.vain:
                asks.append(Waiting(asked, until_ms))
        return asks, ("", "")

    def _known(self, parent: Job | None) -> Callable[[int], str | None]:
        begin_ms = self._begin_ms
        if parent is None:
            return lambda asked_ms: "ok" if asked_ms < begin_ms else None
        outcomes, begun_ms = parent.outcomes, parent.begun_ms
        if parent.remembers:
            return outcomes.get
        return lambda asked_ms: (
            "ok" if asked_ms < begin_ms and asked_ms not in begun_ms else outcomes.get(asked_ms)
        )


def _may_come(parent: Job | None) -> Callable[[int], bool]:
    above = () if parent is None else parent.above
    is_off = parent is None or parent.is_cut_off or not all(job.terms.is_enabled for job in above)
    return lambda asked_ms: any(
        (job.schedule is not None and not is_off and job.cursor_ms < asked_ms)
        or any(going.run.nominal_ms == asked_ms for going in job.live)
        for job in above
    )
