"""What takes part in a simulation: jobs, runs that are not over, the slots and locks they compete for.

Mutable, and of one simulation only; the others move them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.jobs.depend import fits
from jobboard.core.jobs.gate import is_coming, needs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.gate import Ask, Need
    from jobboard.core.runs.retry import Verdict
    from jobboard.core.simulation.simulate import Cause, Scenario, VirtualRun
    from jobboard.core.simulation.virtual.terms import Terms


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
    """A job: what its definition says now, and how far it is.

    Attributes:
        due_ms: When its next nominal, `next_ms`, is due to be decided.
        asked: The jobs its runs wait for at their gates.
        asking: The jobs whose runs wait for its own, which are told of each of its `outcomes`.
        above: It, and all the jobs it runs after.
        begun_ms: Nominals of runs that are under way as the simulation begins.
    """

    __slots__ = (
        *("address", "order", "terms", "schedule", "exits", "used", "skips"),
        *("cursor_ms", "next_ms", "due_ms", "live", "line"),
        *(
            "children",
            "parents",
            "ends",
            "joins",
            "needs",
            "asked",
            "asking",
            "outcomes",
            "above",
            "begun_ms",
        ),
    )

    def __init__(self, address: str, order: int, terms: Terms, scenario: Scenario) -> None:
        self.address, self.order, self.terms = address, order, terms
        spec = terms.spec
        self.schedule = terms.schedule
        if self.schedule is not None and terms.delay_ms is not None:
            due_ms = max(scenario.from_ms, scenario.dues.get(address, scenario.from_ms))
            self.schedule = self.schedule.anchored(due_ms)
        self.exits: Sequence[int] = scenario.exits.get(address, ())
        self.used = scenario.used.get(address, 0)
        self.skips = scenario.skips.get(address, 0)
        self.cursor_ms = scenario.from_ms - 1
        self.next_ms: int | None = None
        self.due_ms: int | None = None
        self.live: dict[Going, None] = {}
        self.line: dict[Going, None] = {}
        self.children: list[Job] = []
        self.parents: tuple[str, ...] = tuple(spec.get("after", ()))
        self.ends: Mapping[str, str] = spec.get("on", {})
        self.joins: dict[int, dict[str, str]] = {}
        self.needs: list[Need] = needs_of(spec) if "schedule" in spec else []
        self.asked: list[Job] = []
        self.asking: list[Job] = []
        self.outcomes: dict[int, str] = {}
        self.above: tuple[Job, ...] = (self,)
        self.begun_ms: set[int] = set()

    @property
    def is_used_up(self) -> bool:
        """Whether all the runs it may have were made."""
        return self.terms.limit is not None and self.used >= self.terms.limit

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
    """What a run still waits for of one job; see `core.runs.run.GateAsk`."""

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
        "is_over",
        "job",
        "run",
        "running",
        "score",
        "sequence",
        "since_ms",
        "stopped",
        "terms",
    )

    def __init__(self, job: Job, run: VirtualRun, sequence: int) -> None:
        self.job, self.run, self.sequence = job, run, sequence
        self.terms = job.terms
        self.score = self.terms.rank + sequence
        self.since_ms = 0
        # What it waits for where that is not a slot, by name, and who is in the way.
        self.cause: tuple[Cause, str, str] | None = None
        self.asks: dict[str, Waiting] = {}
        self.caught_up = self.running = self.is_over = False
        # How it ends, where it was told to stop.
        self.stopped: Verdict | None = None

    @property
    def may_expire(self) -> bool:
        """Whether it has to start in time: up to its first try, and not if a person started it."""
        run = self.run
        return not run.spans and run.attempt == 1 and not run.defers and run.trigger != "manual"

    def is_too_late(self, now_ms: int) -> bool:
        """Whether it may not start any more."""
        return self.terms.is_too_late(self.run.due_ms, now_ms) and self.may_expire

    def __lt__(self, other: Going) -> bool:
        return self.score < other.score
