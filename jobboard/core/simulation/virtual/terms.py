"""What a job's definition says, worked out once. A run keeps the terms it was made by, as in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.model import effective, seed_of
from jobboard.core.jobs.runner import queue_of
from jobboard.core.runs.misfire import lateness_of
from jobboard.core.scope import scopes_of_queue
from jobboard.core.times.schedule import compile_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.simulate import Pause, Scenario
    from jobboard.core.simulation.standing import Begun
    from jobboard.core.simulation.virtual.room import Room
    from jobboard.core.times.schedule import Schedule


class Terms:
    """The definition of one job, as the simulation needs it.

    Attributes:
        schedule: When it comes; None for a job without a clock, and for one whose runs come a while after
            each other, of which `delay_ms` says that while.
        lasts_ms: How long each of its tries lasts, unless `stops_ms` ends it.
        queue: Where its runs wait, and `line` is that.
        rank: What of its place in a queue its priority decides.
        pauses: Holds on its nominals.
        halts: Holds on its runs: those, and the ones on its queue.
    """

    __slots__ = (
        *(
            "spec",
            "is_enabled",
            "schedule",
            "delay_ms",
            "queue",
            "line",
            "locks",
            "rank",
            "overlap",
            "lateness",
        ),
        *("limit", "lasts_ms", "stops_ms", "start_within_ms", "finish_by_ms", "is_called_off"),
        *("pauses", "halts"),
    )

    def __init__(self, address: str, spec: Spec, scenario: Scenario, room: Room) -> None:
        self.spec = spec
        self.is_enabled: bool = spec.get("enabled", True)
        schedule = spec.get("schedule")
        self.schedule: Schedule | None = (
            compile_schedule(schedule, seed_of(address, spec)) if schedule else None
        )
        self.delay_ms: int | None = schedule.get("delay") if schedule else None
        self.limit: int | None = schedule.get("runs") if schedule else None
        self.queue = queue_of(spec)
        self.line = room.lines.line(self.queue)
        self.locks = tuple((room.lock(name), size) for name, size in sorted(spec.get("locks", {}).items()))
        self.rank: int = (1000 - effective(spec, "priority")) << 40
        self.overlap: str | Mapping[str, int] = effective(spec, "overlap")
        self.lateness = lateness_of(spec)
        self.stops_ms: int | None = effective(spec, "timeout")
        assumed_ms = scenario.default_ms if self.stops_ms is None else min(scenario.default_ms, self.stops_ms)
        self.lasts_ms = scenario.durations.get(address, assumed_ms)
        self.start_within_ms: int | None = spec.get("start_within")
        self.finish_by_ms: int | None = spec.get("finish_by")
        self.is_called_off = self.finish_by_ms is not None and effective(spec, "on_late") == "cancel"
        self.pauses: Sequence[Pause] = scenario.holds_on(address, spec)
        self.halts: Sequence[Pause] = [*self.pauses, *_on_queue(self.queue, scenario)]

    @property
    def tries_ms(self) -> int:
        """How long a try is: until it ends, or is ended."""
        return self.lasts_ms if self.stops_ms is None else min(self.lasts_ms, self.stops_ms)

    def is_held(self, nominal_ms: int) -> bool:
        """Whether a hold covers a nominal."""
        return any(hold.covers(nominal_ms) for hold in self.pauses)

    def halt_at(self, at_ms: int) -> Pause | None:
        """A hold that keeps runs from starting at an instant."""
        return next((hold for hold in self.halts if hold.covers(at_ms)), None)

    def as_made(self, made: Begun, scenario: Scenario, room: Room) -> Terms:
        """These, with what a run has of its own that is not its definition: it may have been moved since.

        They are changed.
        """
        record = made.record
        if record.queue is not None and record.queue != self.queue:
            self.queue, self.line = record.queue, room.lines.line(record.queue)
            self.halts = [*self.pauses, *_on_queue(self.queue, scenario)]
        if record.locks is not None:
            self.locks = tuple((room.lock(name), size) for name, size in sorted(record.locks.items()))
        if made.rank is not None:
            self.rank = made.rank
        return self

    def is_too_late(self, due_ms: int, now_ms: int) -> bool:
        """Whether a run that was due at an instant may not start any more."""
        return self.start_within_ms is not None and due_ms + self.start_within_ms <= now_ms


def _on_queue(queue: str, scenario: Scenario) -> list[Pause]:
    """The holds that keep the runs of a queue in it."""
    scopes = scopes_of_queue(queue)
    return [hold for hold in scenario.pauses if hold.scope in scopes]
