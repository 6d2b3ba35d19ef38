"""What takes part in a simulation: jobs, runs that are not over, the slots and locks they compete for.

Mutable, and of one simulation only; the others move them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from jobboard.core.jobs.depend import fits
from jobboard.core.jobs.gate import is_coming, needs_of
from jobboard.core.scope import scope_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.gate import Ask, Need
    from jobboard.core.runs.retry import Verdict
    from jobboard.core.simulation.simulate import Cause, Scenario, VirtualRun
    from jobboard.core.simulation.standing import Crew, QueueRule
    from jobboard.core.simulation.virtual.terms import Terms


class Lock:
    """Who holds a lock, and who waits for it in what order."""

    __slots__ = ("holders", "name", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.holders: dict[Going, None] = {}
        self.waiting: list[tuple[int, Going]] = []


class Line:
    """Runs in line for a slot: of one queue, or of several that the same workers serve and nothing rules.

    Attributes:
        runs: Those that wait, as a heap, each with the key it was put there by; see `Going.key`.
        crews: Who takes runs from it, those that serve the fewest queues first.
        running: How many of it run.
        used_to_ms: The instant up to which its rate is used up.
        opens_at_ms: When it is looked at again, since its rate lets nothing begin before.
        closed: What lets none of them go though there are slots: nothing, its limit, or its rate.
        aging: Runs that are still to have waited for long, by when they have.
    """

    __slots__ = (
        *("aging", "closed", "crews", "opens_at_ms", "queue", "rule"),
        *("running", "runs", "sequence", "used_to_ms"),
    )

    def __init__(self, sequence: int, queue: str, crews: Sequence[Workforce], rule: QueueRule | None) -> None:
        self.sequence, self.queue, self.crews, self.rule = sequence, queue, crews, rule
        self.runs: list[tuple[int, Going]] = []
        self.aging: list[tuple[int, Going]] = []
        self.running = 0
        self.used_to_ms = rule.used_to_ms if rule is not None else 0.0
        self.opens_at_ms: int | None = None
        self.closed: Literal["", "limit", "rate"] = ""


class Workforce:
    """Workers that serve the same: what slots they have free, and the lines they take from.

    Attributes:
        rooms: Of queues with slots of their own, how many of those are free.
        turn: Which line is next, where they go round.
    """

    __slots__ = ("crew", "free", "is_by_priority", "lines", "rooms", "turn")

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.free = float("inf") if crew.slots is None else crew.slots
        self.rooms: dict[str, int] = dict(crew.own_slots)
        self.lines: list[Line] = []
        self.turn = 0
        self.is_by_priority = crew.order == "priority"


class Job:
    """A job: what its definition says now, and how far it is.

    Attributes:
        due_ms: When its next nominal, `next_ms`, is due to be decided.
        asked: The jobs its runs wait for at their gates.
        asking: The jobs whose runs wait for its own, which are told of each of its `outcomes`.
        above: It, and all the jobs it runs after; `is_cut_off` where one of those never runs.
        begun_ms: Nominals of runs that are under way as the simulation begins.
        remembers: Whether `outcomes` has all that was before the simulation.
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
            "is_cut_off",
            "remembers",
        ),
    )

    def __init__(self, address: str, order: int, terms: Terms, scenario: Scenario) -> None:
        self.address, self.order, self.terms = address, order, terms
        spec = terms.spec
        standing = scenario.standing
        self.cursor_ms = standing.cursors.get(address, scenario.from_ms - 1)
        self.schedule = terms.schedule
        if self.schedule is not None and terms.delay_ms is not None:
            due_ms = max(self.cursor_ms + 1, scenario.dues.get(address, scenario.from_ms))
            self.schedule = self.schedule.anchored(due_ms)
        self.exits: Sequence[int] = scenario.exits.get(address, ())
        self.used = scenario.used.get(address, 0)
        self.skips = scenario.skips.get(address, 0)
        self.next_ms: int | None = None
        self.due_ms: int | None = None
        self.live: dict[Going, None] = {}
        self.line: dict[Going, None] = {}
        self.children: list[Job] = []
        self.parents: tuple[str, ...] = tuple(spec.get("after", ()))
        self.ends: Mapping[str, str] = spec.get("on", {})
        self.joins: dict[int, dict[str, str]] = {
            nominal_ms: {parent: state for parent, state in ends.items() if parent in self.parents}
            for nominal_ms, ends in standing.joins.get(address, {}).items()
        }
        self.needs: list[Need] = needs_of(spec) if "schedule" in spec else []
        self.asked: list[Job] = []
        self.asking: list[Job] = []
        self.outcomes: dict[int, str] = dict(standing.outcomes.get(address, ()))
        self.remembers = address in standing.outcomes
        self.above: tuple[Job, ...] = (self,)
        self.is_cut_off = False
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
    """A run that is not over.

    Attributes:
        key: By what it stands in its line; None where it does not.
        cause: What it waits for where that is not a slot, by name, and who is in the way.
        expires_ms: When it is to have started; None where that does not matter, or once it has.
        needs: The runs it waits for.
        crew: Who runs it; None where those are not part of the simulation.
        stopped: How it ends, where it was told to stop.
        doomed: What becomes of it instead of going on, and why.
    """

    __slots__ = (
        *("asks", "caught_up", "cause", "crew", "doomed", "expires_ms", "forced", "is_over", "job"),
        *("key", "needs", "run", "running", "score", "sequence", "since_ms", "stopped", "terms"),
    )

    def __init__(self, job: Job, run: VirtualRun, sequence: int, terms: Terms | None = None) -> None:
        self.job, self.run, self.sequence = job, run, sequence
        self.terms = terms or job.terms
        self.score = self.terms.rank + sequence
        self.key: int | None = None
        self.since_ms = 0
        self.cause: tuple[Cause, str, str] | None = None
        self.expires_ms: int | None = None
        self.asks: dict[str, Waiting] = {}
        self.needs: set[str] = set()
        self.caught_up = self.running = self.is_over = self.forced = False
        self.crew: Workforce | None = None
        self.stopped: Verdict | None = None
        self.doomed: tuple[str, str] | None = None

    @property
    def waits_for(self) -> str:
        """What it waits for where it has not begun, in words."""
        line = self.terms.line
        others = [*sorted(self.needs), *self.asks]
        if others:
            return f"waits for {', '.join(others)}"
        if self.cause is not None:
            kind, name, _ = self.cause
            told = {"lock": f"waits for lock {name}", "hold": f"kept by the hold on {scope_text(name)}"}
            return told.get(kind, "behind its own runs")
        if not line.crews:
            return f"no worker serves queue {self.terms.queue}"
        return f"waits for the {line.closed or 'slots'} of queue {self.terms.queue}"

    def is_too_late(self, now_ms: int) -> bool:
        """Whether it may not start any more."""
        return self.expires_ms is not None and self.expires_ms <= now_ms

    def __lt__(self, other: Going) -> bool:
        return self.score < other.score
