"""What takes part in a simulation: jobs, runs that are not over, the slots and locks they compete for.

Mutable, and of one simulation only; the others move them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.depend import fits
from jobboard.core.gate import is_coming, needs_of
from jobboard.core.misfire import lateness_of
from jobboard.core.model import effective, seed_of
from jobboard.core.names import split_address
from jobboard.core.schedule import compile_schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.gate import Ask, Need
    from jobboard.core.model import Spec
    from jobboard.core.retry import Verdict
    from jobboard.core.schedule import Schedule
    from jobboard.core.simulate import Scenario, VirtualRun


class Lock:
    """Who holds a lock, and who waits for it in what order."""

    __slots__ = ("holders", "name", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.holders: dict[Going, None] = {}
        self.waiting: list[tuple[int, Going]] = []


class Pool:
    """Slots, and the runs in line for them: one queue with slots of its own, or all others together."""

    __slots__ = ("free", "line")

    def __init__(self, slots: int | None) -> None:
        self.free = float("inf") if slots is None else slots
        self.line: list[tuple[int, Going]] = []


class Job:
    """A job, with everything about it worked out once."""

    __slots__ = (
        *("address", "spec", "order", "schedule", "pool", "queue", "rank", "locks", "overlap", "lateness"),
        *("children", "limit", "used", "lasts_ms", "stops_ms", "exits", "pauses", "live", "line"),
        *("cursor_ms", "next_ms", "parents", "ends", "joins", "needs", "asked", "asking", "outcomes"),
        *("above", "delay_ms", "start_within_ms", "finish_by_ms", "is_called_off", "skips"),
    )

    def __init__(self, address: str, spec: Spec, scenario: Scenario) -> None:
        self.address, self.spec, self.order = address, spec, 0
        schedule = spec.get("schedule")
        self.schedule: Schedule | None = (
            compile_schedule(schedule, seed_of(address, spec)) if schedule else None
        )
        # How long after each of its runs the next is due; its schedule names the one that is.
        self.delay_ms: int | None = schedule.get("delay") if schedule else None
        if self.schedule is not None and self.delay_ms is not None:
            due_ms = max(scenario.from_ms, scenario.dues.get(address, scenario.from_ms))
            self.schedule = self.schedule.anchored(due_ms)
        self.queue: str = effective(spec, "queue")
        self.rank: int = (1000 - effective(spec, "priority")) << 40
        self.overlap: str | Mapping[str, int] = effective(spec, "overlap")
        self.lateness = lateness_of(spec)
        self.limit: int | None = schedule.get("runs") if schedule else None
        self.skips = scenario.skips.get(address, 0)
        self.used = scenario.used.get(address, 0)
        self.stops_ms: int | None = effective(spec, "timeout")
        self.start_within_ms: int | None = spec.get("start_within")
        self.finish_by_ms: int | None = spec.get("finish_by")
        self.is_called_off = self.finish_by_ms is not None and effective(spec, "on_late") == "cancel"
        assumed_ms = scenario.default_ms if self.stops_ms is None else min(scenario.default_ms, self.stops_ms)
        self.lasts_ms = scenario.durations.get(address, assumed_ms)
        self.exits: Sequence[int] = scenario.exits.get(address, ())
        self.pauses: list[tuple[int, float]] = list(_pauses(address, spec, scenario))
        self.pool: Pool
        self.locks: tuple[tuple[Lock, int], ...] = ()
        self.children: list[Job] = []
        self.live: dict[Going, None] = {}
        self.line: dict[Going, None] = {}
        self.cursor_ms = scenario.from_ms - 1
        self.next_ms: int | None = None
        self.parents: tuple[str, ...] = tuple(spec.get("after", ()))
        self.ends: Mapping[str, str] = spec.get("on", {})
        self.joins: dict[int, dict[str, str]] = {}
        # What its runs wait for; who waits for runs of it, and how those ended; it and all it runs after.
        self.needs: list[Need] = needs_of(spec) if schedule else []
        self.asked: list[Job] = []
        self.asking: list[Job] = []
        self.outcomes: dict[int, str] = {}
        self.above: tuple[Job, ...] = (self,)

    @property
    def is_used_up(self) -> bool:
        """Whether all the runs it may have were made."""
        return self.limit is not None and self.used >= self.limit

    def is_too_late(self, due_ms: int, now_ms: int) -> bool:
        """Whether a run that was due at an instant may not start any more."""
        return self.start_within_ms is not None and due_ms + self.start_within_ms <= now_ms

    def is_held(self, nominal_ms: int) -> bool:
        """Whether a hold covers a nominal."""
        return any(begin <= nominal_ms < end for begin, end in self.pauses)

    def hears(self, nominal_ms: int, parent: str, state: str, *, is_span: bool = False) -> str | None:
        """A parent has ended for a nominal: why the job does not run for it, empty where it does.

        None where that is not decided yet, or was decided before: the first parent that did not end as it was
        to decides, else the last one. Of a span of nominals up to this one, none of which ran, the first
        parent speaks for all.
        """
        if is_span:
            return f"after: {parent} {state}" if parent == self.parents[0] else None
        told = self.joins.setdefault(nominal_ms, {})
        was_decided = any(not fits(self.ends.get(other), end) for other, end in told.items())
        told[parent] = state
        complete = len(told) == len(self.parents)
        if complete:
            del self.joins[nominal_ms]
        if was_decided:
            return None
        if not fits(self.ends.get(parent), state):
            return f"after: {parent} {state}"
        return "" if complete else None


class Waiting:
    """What a run still waits for of one job; see `core.run.GateAsk`."""

    __slots__ = ("left", "need", "open", "span", "until_ms")

    def __init__(self, ask: Ask, until_ms: int | None) -> None:
        self.need, self.span = ask.need, ask.span
        self.left, self.open = ask.left, ask.open
        self.until_ms = until_ms

    def hears(self, nominal_ms: int, state: str, first_ms: int, count: int) -> None:
        """How a nominal was decided, or a span of them."""
        if not (self.span.low_ms < nominal_ms and first_ms <= self.span.high_ms):
            return
        if fits(self.need.on, state):
            self.left -= 1
            self.open -= 1
        elif not is_coming(self.need, state):
            self.open -= min(count, self.open)


class Going:
    """A run that is not over."""

    __slots__ = (
        "asks",
        "caught_up",
        "cause",
        "is_lined",
        "is_over",
        "job",
        "run",
        "running",
        "score",
        "sequence",
        "since_ms",
        "stopped",
    )

    def __init__(self, job: Job, run: VirtualRun, sequence: int) -> None:
        self.job, self.run, self.sequence = job, run, sequence
        self.score = job.rank + sequence
        self.since_ms = 0
        self.cause: tuple[Lock, str] | None = None
        self.asks: dict[str, Waiting] = {}
        self.caught_up = self.is_lined = self.running = self.is_over = False
        # How it ends, where it was told to stop.
        self.stopped: Verdict | None = None

    def is_too_late(self, now_ms: int) -> bool:
        """Whether it may not start any more."""
        return not self.run.spans and self.job.is_too_late(self.run.due_ms, now_ms)

    def __lt__(self, other: Going) -> bool:
        return self.score < other.score


def _pauses(address: str, spec: Spec, scenario: Scenario) -> Iterator[tuple[int, float]]:
    """The spans in which nominals of a job are held."""
    scopes = {"all", f"job:{address}", f"board:{split_address(address)[0]}"}
    scopes.update(f"tag:{tag}" for tag in spec.get("tags", ()))
    for pause in scenario.pauses:
        if pause.scope in scopes:
            yield pause.from_ms, float("inf") if pause.until_ms is None else pause.until_ms
