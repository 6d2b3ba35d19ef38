"""What a simulation means to a person: load by hour, busiest minutes, who waits for what, what is skipped.

Counts cover the simulated hours; a run that goes on after their end is counted where it began. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from jobboard.core.simulation.silence import silences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.simulation.silence import Silence
    from jobboard.core.simulation.simulate import Cause, Passed, Passing, Scenario, Simulation, VirtualRun

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
SHOWN = 5
"""How many of the busiest minutes are kept."""

_Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Slice:
    """An hour, or a minute.

    Attributes:
        from_ms: Its beginning.
        made: Runs that were made in it.
        running: The most that ran at once.
        waiting: The most that waited at once, whatever for.
        busy_ms: How long slots were taken in it, all added up.
    """

    from_ms: int
    made: int
    running: int
    waiting: int
    busy_ms: int


@dataclass(frozen=True, slots=True)
class Peak:
    """The most there ever was of something, and when it first was."""

    count: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class JobLoad:
    """One job.

    Attributes:
        runs: How many were made.
        failed: How many of those ended badly.
        passed: Nominals without a run, by why.
        busy_ms: How long they ran, all added up.
        waited_ms: How long they waited, all added up.
        longest_wait_ms: The longest that one run waited.
        unfinished: How many do not begin.
        late: How many were not over by their deadline.
    """

    address: str
    runs: int
    failed: int
    passed: Mapping[Passing, int]
    busy_ms: int
    waited_ms: int
    longest_wait_ms: int
    unfinished: int
    late: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Waits of one job for one thing.

    Attributes:
        by: Of a lock, the job that held it when the longest began.
        count: How many there were.
        at_ms: When the longest began.
    """

    address: str
    cause: Cause
    name: str
    by: str
    count: int
    total_ms: int
    longest_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Nominals of one job that came to nothing for one reason.

    Attributes:
        reason: In words, without the ids of runs: ``overlap``, ``after: b/a failed``.
    """

    address: str
    state: Passing
    reason: str
    count: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class DeadlineMiss:
    """Runs of one job that were not over by their deadline.

    Attributes:
        count: How many there were.
        over_ms: How long after its deadline the worst was over; None where it was called off then, or never
            began.
        nominal_ms: Of the worst.
    """

    address: str
    count: int
    over_ms: int | None
    nominal_ms: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Runs of one job that had not begun by the end, for one reason.

    Attributes:
        count: How many there are.
        since_ms: When the first of them was made.
    """

    address: str
    reason: str
    count: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class Load:
    """A simulation in figures.

    Attributes:
        hours: Every hour, counted from the beginning.
        busiest: The minutes in which most ran or waited, the busiest first; none in which nothing was made.
        running: The most that ran at once.
        queues: Queue to the most that stood in it at once, waiting for a slot; those that were never long
            are left out.
        jobs: Those that had anything to decide, by address.
        waits: The longest first.
        passed: The most first.
        misses: Deadlines that were missed, the most first.
        silences: Jobs that were overdue, the longest first.
        stuck: What had not begun by the end, the most first.
    """

    from_ms: int
    until_ms: int
    hours: Sequence[Slice]
    busiest: Sequence[Slice]
    running: Peak
    queues: Mapping[str, Peak]
    jobs: Sequence[JobLoad]
    waits: Sequence[Waiting]
    passed: Sequence[PassedOver]
    misses: Sequence[DeadlineMiss] = ()
    silences: Sequence[Silence] = ()
    stuck: Sequence[Stuck] = ()

    @property
    def span_hours(self) -> float:
        """How many hours it covers, from the beginning of its first minute."""
        return (self.until_ms - self.from_ms + self.from_ms % MINUTE_MS) / HOUR_MS

    @property
    def runs(self) -> int:
        """How many runs were made."""
        return sum(job.runs for job in self.jobs)

    @property
    def failed(self) -> int:
        """How many of them ended badly."""
        return sum(job.failed for job in self.jobs)

    @property
    def unfinished(self) -> int:
        """How many of them do not begin."""
        return sum(job.unfinished for job in self.jobs)

    @property
    def late(self) -> int:
        """How many of them were not over by their deadline."""
        return sum(job.late for job in self.jobs)

    @property
    def waited_ms(self) -> int:
        """How long runs waited for room, all added up."""
        return sum(job.waited_ms for job in self.jobs)

    def count(self, state: Passing) -> int:
        """How many nominals were passed over for one kind of reason."""
        return sum(job.passed.get(state, 0) for job in self.jobs)


def load_of(simulation: Simulation) -> Load:
    """The figures of a simulation."""
    scenario, runs = simulation.scenario, simulation.runs
    begin_ms, end_ms = scenario.from_ms, scenario.until_ms
    running = [span for run in runs for span in run.spans]
    lines: dict[str, list[_Span]] = defaultdict(list)
    waiting: list[_Span] = []
    for run in runs:
        for wait in run.waits:
            span = (wait.from_ms, wait.until_ms)
            waiting.append(span)
            if wait.cause == "slot":
                lines[wait.name].append(span)
    levels = levels_of(running)
    made = [run.queued_at_ms for run in runs]
    minutes = _slices(scenario, MINUTE_MS, made, levels, levels_of(waiting))
    busiest = sorted(minutes, key=lambda m: (-m.running - m.waiting, -m.made, m.from_ms))
    queues = {name: _peak(levels_of(spans), begin_ms) for name, spans in sorted(lines.items())}
    return Load(
        from_ms=begin_ms,
        until_ms=end_ms,
        hours=_slices(scenario, HOUR_MS, made, levels, levels_of(waiting)),
        busiest=[minute for minute in busiest[:SHOWN] if minute.made],
        running=_peak(levels, begin_ms),
        queues=queues,
        jobs=_jobs(simulation),
        waits=_waits(runs),
        passed=_passed(simulation.passed),
        misses=_misses(runs),
        silences=silences(simulation),
        stuck=_stuck(runs),
    )


def levels_of(spans: Iterable[_Span]) -> list[tuple[int, int]]:
    """How many of the spans are open from each instant on at which that changes; each is half open."""
    changes: dict[int, int] = defaultdict(int)
    for begin_ms, end_ms in spans:
        if end_ms > begin_ms:
            changes[begin_ms] += 1
            changes[end_ms] -= 1
    level, found = 0, []
    for at_ms in sorted(changes):
        level += changes[at_ms]
        found.append((at_ms, level))
    return found


def _peak(levels: Sequence[tuple[int, int]], begin_ms: int) -> Peak:
    at_ms, count = max(levels, key=lambda level: (level[1], -level[0]), default=(begin_ms, 0))
    return Peak(count, at_ms)


def _slices(
    scenario: Scenario,
    step_ms: int,
    made: Iterable[int],
    running: Sequence[tuple[int, int]],
    waiting: Sequence[tuple[int, int]],
) -> list[Slice]:
    # What begins in the midst of a minute is told from the beginning of that minute on.
    begin_ms, end_ms = scenario.from_ms - scenario.from_ms % MINUTE_MS, scenario.until_ms
    count = -(-(end_ms - begin_ms) // step_ms)
    fired = [0] * count
    for at_ms in made:
        if begin_ms <= at_ms < end_ms:
            fired[(at_ms - begin_ms) // step_ms] += 1
    most, busy_ms = _buckets(running, begin_ms, end_ms, step_ms)
    queued, _ = _buckets(waiting, begin_ms, end_ms, step_ms)
    return [
        Slice(begin_ms + index * step_ms, fired[index], most[index], queued[index], busy_ms[index])
        for index in range(count)
    ]


def _buckets(
    levels: Sequence[tuple[int, int]], begin_ms: int, end_ms: int, step_ms: int
) -> tuple[list[int], list[int]]:
    """The highest level in each step of time, and the area under it."""
    count = -(-(end_ms - begin_ms) // step_ms)
    most, area = [0] * count, [0] * count
    for (since_ms, level), (until_ms, _) in pairwise([*levels, (end_ms, 0)]):
        at_ms, stop_ms = since_ms, min(until_ms, end_ms)
        while level and at_ms < stop_ms:
            index = (at_ms - begin_ms) // step_ms
            edge_ms = min(stop_ms, begin_ms + (index + 1) * step_ms)
            most[index] = max(most[index], level)
            area[index] += level * (edge_ms - at_ms)
            at_ms = edge_ms
    return most, area


def _jobs(simulation: Simulation) -> list[JobLoad]:
    runs: dict[str, list[VirtualRun]] = defaultdict(list)
    for run in simulation.runs:
        runs[run.address].append(run)
    passed: dict[str, dict[Passing, int]] = defaultdict(lambda: defaultdict(int))
    for one in simulation.passed:
        passed[one.address][one.state] += one.count
    return [
        JobLoad(
            address=address,
            runs=len(runs[address]),
            failed=sum(run.state == "failed" for run in runs[address]),
            passed=dict(passed[address]),
            busy_ms=sum(end - begin for run in runs[address] for begin, end in run.spans),
            waited_ms=sum(run.waited_ms for run in runs[address]),
            longest_wait_ms=max((run.waited_ms for run in runs[address]), default=0),
            unfinished=sum(run.state == "unfinished" for run in runs[address]),
            late=sum(run.is_late for run in runs[address]),
        )
        for address in sorted({*runs, *passed})
    ]


def _waits(runs: Sequence[VirtualRun]) -> list[Waiting]:
    groups: dict[tuple[str, Cause, str], list[tuple[int, int, str]]] = defaultdict(list)
    for run in runs:
        for wait in run.waits:
            groups[run.address, wait.cause, wait.name].append((wait.span_ms, -wait.from_ms, wait.by))
    found = []
    for (address, cause, name), spans in groups.items():
        longest_ms, since_ms, by = max(spans)
        total_ms = sum(span_ms for span_ms, _, _ in spans)
        found.append(Waiting(address, cause, name, by, len(spans), total_ms, longest_ms, -since_ms))
    return sorted(found, key=lambda w: (-w.longest_ms, w.address, w.cause, w.name))


def _misses(runs: Sequence[VirtualRun]) -> list[DeadlineMiss]:
    groups: dict[str, list[VirtualRun]] = defaultdict(list)
    for run in runs:
        if run.is_late:
            groups[run.address].append(run)
    found = []
    for address, late in groups.items():
        worst = max(late, key=lambda run: (run.over_ms or 0, -run.nominal_ms))
        found.append(DeadlineMiss(address, len(late), worst.over_ms, worst.nominal_ms))
    return sorted(found, key=lambda miss: (-miss.count, miss.address))


def _stuck(runs: Sequence[VirtualRun]) -> list[Stuck]:
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for run in runs:
        if run.state == "unfinished":
            groups[run.address, run.reason].append(run.queued_at_ms)
    found = [Stuck(*group, len(since), min(since)) for group, since in groups.items()]
    return sorted(found, key=lambda stuck: (-stuck.count, stuck.address, stuck.reason))


def _passed(passed: Sequence[Passed]) -> list[PassedOver]:
    groups: dict[tuple[str, Passing, str], list[Passed]] = defaultdict(list)
    for one in passed:
        groups[one.address, one.state, _kind_of(one.reason)].append(one)
    found = [
        PassedOver(
            *(address, state, reason, sum(one.count for one in ones)),
            first_ms=min(one.first_ms for one in ones),
            last_ms=max(one.nominal_ms for one in ones),
        )
        for (address, state, reason), ones in groups.items()
    ]
    return sorted(found, key=lambda p: (-p.count, p.address, p.state))


def _kind_of(reason: str) -> str:
    """A reason without the id of the run that was in the way."""
    return "overlap" if reason.startswith("overlap: ") else reason
