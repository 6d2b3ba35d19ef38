"""What jobs would do over some hours, in virtual time: the values that go in, and those that come out.

Pure and without chance: the same jobs and the same scenario give the same simulation. What moves a run is in
`core.simulation.virtual`; what its numbers mean to a person is in `core.simulation.load`. Instants and spans
are integer milliseconds.

What it does not know: how long a process takes to start, workers that die, runs by hand. Of two things at one
instant, what is due comes before what ends, because a real command starts a little after its nominal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from jobboard.core.jobs.model import seed_of
from jobboard.core.names import run_id_of, split_address
from jobboard.core.simulation.standing import Standing
from jobboard.core.times.instant import format_instant
from jobboard.core.times.schedule import compile_schedule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.standing import Crew, QueueRule

    # Address to definitions, each with the instant from which it is in force, in order of time.
    Later: TypeAlias = Mapping[str, Sequence[tuple[int, Spec]]]

DEFAULT_DURATION_MS = 60_000
"""What a run is taken to last where nobody said anything."""

NOT_STARTED = "not started in time"
"""Why a run is skipped that has not started within `start_within`."""
CALLED_OFF = "cancelled by finish_by"
"""Why a late run is cancelled under ``on_late: cancel``."""

Cause: TypeAlias = Literal["slot", "limit", "rate", "lock", "turn", "hold"]
Passing: TypeAlias = Literal["skipped", "missed", "held"]


@dataclass(frozen=True, slots=True)
class Downtime:
    """A span in which no scheduler runs: from its beginning, up to its end."""

    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A hold on ``job:ADDRESS``, ``board:NAME``, ``tag:NAME`` or ``all``, or on ``queue:NAME``.

    None of its nominals within it comes to a run, but for one on a queue; and no run of it starts within it.

    Attributes:
        until_ms: Where it ends; None for no end.
    """

    scope: str
    from_ms: int
    until_ms: int | None = None

    def covers(self, at_ms: int) -> bool:
        """Whether it holds at an instant."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Under which circumstances jobs are simulated.

    Attributes:
        from_ms: Nominals from this instant on are decided.
        until_ms: Nominals before this instant are; what they started goes on to its end.
        slots: How many runs at once over all queues without slots of their own; None is no limit.
        queues: Queue to slots of its own.
        crews: Workers that serve the queues without slots of their own, in place of `slots`; None for none.
            A queue that none of them serves waits.
        rules: Queue to what rules it.
        durations: Address to how long each try of the job lasts, unless its timeout is shorter.
        default_ms: How long a try of any other job lasts; of one with a shorter timeout, just that long.
        exits: Address to the exit codes of a run's tries, the last for all that follow. Tries of a job that
            is not named here succeed.
        downtimes: When no scheduler runs; they end within the simulated time.
        pauses: Holds.
        used: Address to how many of its ``runs`` are used up already.
        dues: Address to when a job is due that runs a while after each of its runs ends; one that is not
            named is due at once.
        skips: Address to how many of a job's next runs are passed over.
        standing: What is decided and under way when it begins.
    """

    from_ms: int
    until_ms: int
    slots: int | None = None
    queues: Mapping[str, int] = field(default_factory=dict)
    durations: Mapping[str, int] = field(default_factory=dict)
    default_ms: int = DEFAULT_DURATION_MS
    exits: Mapping[str, Sequence[int]] = field(default_factory=dict)
    downtimes: Sequence[Downtime] = ()
    pauses: Sequence[Pause] = ()
    used: Mapping[str, int] = field(default_factory=dict)
    dues: Mapping[str, int] = field(default_factory=dict)
    skips: Mapping[str, int] = field(default_factory=dict)
    crews: Sequence[Crew] | None = None
    rules: Mapping[str, QueueRule] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)

    def holds_on(self, address: str, spec: Spec) -> list[Pause]:
        """The holds on a job's nominals."""
        scopes = {"all", f"job:{address}", f"board:{split_address(address)[0]}"}
        scopes.update(f"tag:{tag}" for tag in spec.get("tags", ()))
        return [hold for hold in self.pauses if hold.scope in scopes]


@dataclass(frozen=True, slots=True)
class Wait:
    """A span in which a run could have started, had there been room and no hold.

    Attributes:
        cause: For a ``slot`` of a worker, for the ``limit`` or the ``rate`` of its queue, for a ``lock``, for
            its ``turn`` behind runs of its own job, or for the end of a ``hold``.
        name: The queue, the lock, the job, or what is held as `Pause` has it.
        by: The address of the job that held the lock or ran; empty for anything else.
    """

    cause: Cause
    name: str
    by: str
    from_ms: int
    until_ms: int

    @property
    def span_ms(self) -> int:
        """How long it waited."""
        return self.until_ms - self.from_ms


Ended: TypeAlias = Literal["ok", "failed", "cancelled", "skipped"]
"""How a run may have ended."""


@dataclass(slots=True)
class VirtualRun:
    """One run and what became of it.

    Attributes:
        nominal_ms: What it is named after.
        due_ms: When it was due, jitter included; of a run after another, when that one had ended.
        queued_at_ms: When it was made.
        trigger: ``schedule`` or ``after``; ``manual`` only of one that was under way as the simulation began.
        state: ``ok``, ``failed``, ``cancelled`` where a newer one replaced it, ``skipped`` where its command
            let it go; ``unfinished`` where it does not begin.
        reason: Why it failed; of one that is unfinished, what it waits for.
        attempt: Number of its last try.
        ended_at_ms: When it was over.
        deadline_ms: When it was to be over; None where nothing says so.
        known_as: Its id, where it was under way as the simulation began.
        spans: Beginning and end of every try, in order; of one that was under way, from when the simulation
            began.
        waits: Every span it waited for room, or for a hold to end.
    """

    address: str
    nominal_ms: int
    due_ms: int
    queued_at_ms: int
    trigger: Literal["schedule", "after", "manual"]
    state: Ended | Literal["unfinished"] = "unfinished"
    reason: str = ""
    attempt: int = 1
    defers: int = 0
    ended_at_ms: int | None = None
    deadline_ms: int | None = None
    known_as: str = ""
    spans: list[tuple[int, int]] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)

    def end(self, state: Ended, reason: str, at_ms: int) -> None:
        """It is over."""
        self.state, self.reason, self.ended_at_ms = state, reason, at_ms

    @property
    def run_id(self) -> str:
        """As the store would name it."""
        return self.known_as or run_id_of(self.address, format_instant(self.nominal_ms))

    @property
    def started_at_ms(self) -> int | None:
        """When its first try began."""
        return self.spans[0][0] if self.spans else None

    @property
    def is_late(self) -> bool:
        """Whether it was not over in time; it is so too where that called it off."""
        if self.deadline_ms is None:
            return False
        return self.ended_at_ms is None or self.ended_at_ms > self.deadline_ms or self.reason == CALLED_OFF

    @property
    def over_ms(self) -> int | None:
        """How long after its deadline it was over; None where it was not late, called off, or never began."""
        if self.deadline_ms is None or self.ended_at_ms is None:
            return None
        return max(0, self.ended_at_ms - self.deadline_ms) or None

    @property
    def waited_ms(self) -> int:
        """How long it waited in all."""
        return sum(wait.span_ms for wait in self.waits)


@dataclass(frozen=True, slots=True)
class Passed:
    """Nominals that were decided without a run.

    Attributes:
        nominal_ms: The last of them.
        reason: In the words the store would use.
        at_ms: When that was decided.
    """

    address: str
    state: Passing
    nominal_ms: int
    reason: str
    at_ms: int
    first_ms: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Simulation:
    """What happened.

    Attributes:
        jobs: The jobs by address, disabled ones too.
        runs: In the order they were made.
        passed: In the order that was decided.
    """

    scenario: Scenario
    jobs: Mapping[str, Spec]
    runs: Sequence[VirtualRun]
    passed: Sequence[Passed]


def matching_jobs(text: str, addresses: Collection[str]) -> list[str]:
    """The jobs that a text means, sorted; it is an address, a job's own name, or a pattern of either."""
    if text in addresses:
        return [text]
    whole = "/" in text
    pattern = any(character in text for character in "*?[")
    return sorted(
        address
        for address in addresses
        for name in (address if whole else split_address(address)[1],)
        if (fnmatchcase(name, text) if pattern else name == text)
    )


def expected_fires(jobs: Mapping[str, Spec], scenario: Scenario, later: Later = MappingProxyType({})) -> int:
    """How many nominals of schedules there are to decide: what a simulation costs, without making it."""
    found = 0
    for address, now in jobs.items():
        begins = [(scenario.from_ms, now), *later.get(address, ())]
        ends_ms = [*(at_ms for at_ms, _ in begins[1:]), scenario.until_ms]
        for (begin_ms, spec), end_ms in zip(begins, ends_ms, strict=True):
            if "schedule" in spec and spec.get("enabled", True):
                schedule = compile_schedule(spec["schedule"], seed_of(address, spec))
                found += schedule.count(begin_ms - 1, min(end_ms, scenario.until_ms) - 1)
    return found


def simulate(jobs: Mapping[str, Spec], scenario: Scenario, later: Later = MappingProxyType({})) -> Simulation:
    """Let the jobs run in virtual time.

    Args:
        jobs: Definitions by address. A parent that is not among them never ends, so its children never run.
        scenario: The circumstances.
        later: What comes into force on the way, where overrides end.

    Raises:
        CronError, UnknownZone: As `compile_schedule`.
    """
    from jobboard.core.simulation.virtual.path import RunPath

    path = RunPath(jobs, scenario, later)
    path.play()
    return Simulation(scenario, jobs, path.runs, path.passed)
