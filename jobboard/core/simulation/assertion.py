"""What is asserted about boards, judged against a simulation. Pure.

Each looks at runs by nominal, as the people who wrote the schedule do. One that fails says what it expected
and what it found, in instants of its zone, so that it can be read without running anything again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from jobboard.core.simulation.simulate import NOT_STARTED
from jobboard.core.times.localclock import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    clock_text,
    listed,
    next_time,
    said,
    wall_at,
    weekday,
    whole_spans,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.simulate import Simulation, VirtualRun

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Per: TypeAlias = Literal["hour", "day", "all"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an assertion does not hold: what was expected, and what was found instead."""

    expected: str
    actual: str


class Assertion(Protocol):
    """Something that holds of a simulation, or does not."""

    @property
    def title(self) -> str:
        """What is asserted, in words."""
        ...

    def judge(self, simulation: Simulation) -> Failure | None:
        """None where it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Fires:
    """A job has runs for exactly these nominals, of those from one instant up to another."""

    job: str
    from_ms: int
    until_ms: int
    at_ms: Sequence[int]
    zone: str | None

    @property
    def title(self) -> str:
        """In words."""
        since, count = said(self.from_ms, self.zone), len(self.at_ms)
        if not count:
            return f"{self.job} never fires from {since}"
        return f"{self.job} fires exactly {count:,} time{'s' if count != 1 else ''} from {since}"

    def judge(self, simulation: Simulation) -> Failure | None:
        """None where it holds."""
        found = {n for n in _nominals(simulation, self.job) if self.from_ms <= n < self.until_ms}
        wanted = set(self.at_ms)
        if found == wanted:
            return None
        too_few, too_many = sorted(wanted - found), sorted(found - wanted)
        parts = [f"also at {listed(too_many, self.zone)}"] if too_many else []
        if too_few:
            parts.insert(0, f"not at {listed(too_few, self.zone)}{_why_not(simulation, self.job, too_few)}")
        return Failure(f"at {listed(sorted(wanted), self.zone)}" if wanted else "never", "; ".join(parts))


@dataclass(frozen=True, slots=True)
class Never:
    """A job has no run for any of these nominals, nor for any between two times of day.

    Attributes:
        between: Minutes of the day in the zone, the first inclusive; where the second is not later, the span
            goes over midnight. None for no such span.
    """

    job: str
    at_ms: Sequence[int]
    between: tuple[int, int] | None
    zone: str | None

    @property
    def title(self) -> str:
        """In words."""
        if self.between is None:
            return f"{self.job} never fires at {listed(self.at_ms, self.zone)}"
        return (
            f"{self.job} never fires between {clock_text(self.between[0])} and {clock_text(self.between[1])}"
        )

    def judge(self, simulation: Simulation) -> Failure | None:
        """None where it holds."""
        found = [n for n in _nominals(simulation, self.job) if n in self.at_ms or self._is_between(n)]
        return Failure("no such run", f"runs at {listed(found, self.zone)}") if found else None

    def _is_between(self, at_ms: int) -> bool:
        if self.between is None:
            return False
        begin, end = self.between
        minute = wall_at(at_ms, self.zone) % DAY_MS / MINUTE_MS
        return begin <= minute < end if begin < end else minute >= begin or minute < end


@dataclass(frozen=True, slots=True)
class Count:
    """A job has so many runs, in every whole hour or day of the zone, or in all.

    Attributes:
        least, most: Both inclusive; equal for just that many. `most` is None for no upper bound.
    """

    job: str
    per: Per
    least: int
    most: int | None
    zone: str | None

    @property
    def title(self) -> str:
        """In words."""
        often = "" if self.per == "all" else f" every {self.per}"
        return f"{self.job} runs {self._wanted()}{often}"

    def judge(self, simulation: Simulation) -> Failure | None:
        """None where it holds."""
        begin_ms, end_ms = simulation.scenario.from_ms, simulation.scenario.until_ms
        nominals = _nominals(simulation, self.job)
        spans = [(begin_ms, end_ms)]
        if self.per != "all":
            spans = list(whole_spans(begin_ms, end_ms, HOUR_MS if self.per == "hour" else DAY_MS, self.zone))
        if not spans:
            return Failure(f"a whole {self.per} to count in", "the simulation ends before there is one")
        for since_ms, until_ms in spans:
            count = sum(since_ms <= nominal < until_ms for nominal in nominals)
            if count < self.least or (self.most is not None and count > self.most):
                where = "in all" if self.per == "all" else f"from {said(since_ms, self.zone)}"
                return Failure(self._wanted(), f"{count:,} {where}")
        return None

    def _wanted(self) -> str:
        if self.most == self.least:
            return f"{self.least:,} time{'s' if self.least != 1 else ''}"
        if self.most is None:
            return f"at least {self.least:,} times"
        if self.least == 0:
            return f"at most {self.most:,} times"
        return f"{self.least:,} to {self.most:,} times"


@dataclass(frozen=True, slots=True)
class NoOverlap:
    """No two of these jobs ever run at one instant."""

    jobs: Sequence[str]
    zone: str | None

    @property
    def title(self) -> str:
        """In words."""
        return f"{', '.join(self.jobs[:-1])} and {self.jobs[-1]} never overlap"

    def judge(self, simulation: Simulation) -> Failure | None:
        """None where it holds."""
        spans = sorted(
            (begin, end, run.address)
            for run in simulation.runs
            if run.address in self.jobs
            for begin, end in run.spans
            if end > begin
        )
        # Of each job, what it ran last until: an overlap need not be with the span just before.
        open_until: dict[str, tuple[int, int]] = {}
        for begin, end, address in spans:
            for other, (since, until) in open_until.items():
                if other != address and until > begin:
                    mine, theirs = self._span(begin, end), self._span(since, until)
                    return Failure("one at a time", f"{address} runs {mine}, while {other} runs {theirs}")
            if address not in open_until or end > open_until[address][1]:
                open_until[address] = (begin, end)
        return None

    def _span(self, begin: int, end: int) -> str:
        return f"{said(begin, self.zone)} to {said(end, self.zone)}"


@dataclass(frozen=True, slots=True)
class EndsBy:
    """Every run of these jobs has ended well by the first such time of day after its nominal.

    Attributes:
        jobs: One, or a chain: a job and all that run after it.
        minute: Of the day, in the zone.
        days: Weekdays of that time, 0 for Monday, on which it matters.
        chain: The job the chain begins with; None where one job alone is meant.
    """

    jobs: Sequence[str]
    minute: int
    days: frozenset[int]
    zone: str | None
    chain: str | None = None

    @property
    def title(self) -> str:
        """In words."""
        what = self.jobs[0] if self.chain is None else f"the chain of {self.chain}"
        named = ", ".join(WEEKDAYS[day] for day in sorted(self.days))
        days = f" on {named}" if len(self.days) < len(WEEKDAYS) else ""
        return f"{what} ends by {clock_text(self.minute)}{days}"

    def judge(self, simulation: Simulation) -> Failure | None:
        """None where it holds; it does not where there is nothing to judge."""
        judged = 0
        for nominal_ms, address, run, why in self._outcomes(simulation):
            by_ms = next_time(nominal_ms, self.minute, self.zone)
            if weekday(by_ms, self.zone) not in self.days:
                continue
            judged += 1
            expected = f"{address} for {said(nominal_ms, self.zone)} ended well by {said(by_ms, self.zone)}"
            if run is None:
                return Failure(expected, why)
            if run.state != "ok":
                return Failure(expected, f"{run.state}: {run.reason}")
            if run.ended_at_ms is not None and run.ended_at_ms > by_ms:
                return Failure(expected, f"ended at {said(run.ended_at_ms, self.zone)}{_waited(run)}")
        if not judged:
            return Failure(f"a run to end by {clock_text(self.minute)}", "there is none in the simulation")
        return None

    def _outcomes(self, simulation: Simulation) -> Iterator[tuple[int, str, VirtualRun | None, str]]:
        """Nominal, job, and its run, or why there is none."""
        found: list[tuple[int, str, VirtualRun | None, str]] = [
            (run.nominal_ms, run.address, run, "") for run in simulation.runs if run.address in self.jobs
        ]
        found += [
            (one.nominal_ms, one.address, None, f"{one.state}: {one.reason}")
            for one in simulation.passed
            if one.address in self.jobs
        ]
        return iter(sorted(found, key=lambda outcome: outcome[:2]))


@dataclass(frozen=True, slots=True)
class InTime:
    """Every run of these jobs starts within its `start_within` and is over by its `finish_by`."""

    jobs: Sequence[str]
    zone: str | None

    @property
    def title(self) -> str:
        """In words."""
        *most, last = self.jobs
        return f"{', '.join(most)} and {last} are in time" if most else f"{last} is in time"

    def judge(self, simulation: Simulation) -> Failure | None:
        """None where it holds."""
        found = [self._late(run) for run in simulation.runs if run.address in self.jobs and run.is_late]
        found += [
            (one.nominal_ms, Failure(self._of(one.address, one.nominal_ms, "started in time"), one.reason))
            for one in simulation.passed
            if one.address in self.jobs and one.reason == NOT_STARTED
        ]
        return min(found, key=lambda failure: failure[0])[1] if found else None

    def _late(self, run: VirtualRun) -> tuple[int, Failure]:
        assert run.deadline_ms is not None
        expected = self._of(run.address, run.nominal_ms, f"over by {said(run.deadline_ms, self.zone)}")
        if run.ended_at_ms is None:
            return run.nominal_ms, Failure(expected, f"{run.state}: {run.reason}")
        ended = run.reason if run.over_ms is None else f"ended at {said(run.ended_at_ms, self.zone)}"
        return run.nominal_ms, Failure(expected, f"{ended}{_waited(run)}")

    def _of(self, address: str, nominal_ms: int, how: str) -> str:
        return f"{address} for {said(nominal_ms, self.zone)} {how}"


def chain_of(root: str, jobs: Mapping[str, Spec]) -> list[str]:
    """A job and all that run after it, near or far, by address.

    Args:
        root: The job.
        jobs: Every job there is.
    """
    found = {root}
    while True:
        more = {each for each, spec in jobs.items() if found.intersection(spec.get("after", ()))} - found
        if not more:
            return [root, *sorted(found - {root})]
        found |= more


def _nominals(simulation: Simulation, job: str) -> list[int]:
    return sorted(run.nominal_ms for run in simulation.runs if run.address == job)


def _why_not(simulation: Simulation, job: str, missing: Sequence[int]) -> str:
    """Why the first of the nominals has no run, where it was decided at all."""
    for one in simulation.passed:
        if one.address == job and one.first_ms <= missing[0] <= one.nominal_ms:
            return f" ({one.state}: {one.reason})"
    return ""


def _waited(run: VirtualRun) -> str:
    if not run.waits:
        return ""
    longest = max(run.waits, key=lambda wait: wait.span_ms)
    if longest.cause == "lock":
        return f", having waited for lock {longest.name}, held by {longest.by}"
    if longest.cause == "turn":
        return ", having waited for the run before it"
    return f", having waited for a slot of {longest.name}"
