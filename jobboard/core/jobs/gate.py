"""What a scheduled run asks of other jobs before it starts: which nominals of theirs, and how those ended.

Two kinds of jobs have a gate. One with `needs` waits at each of its nominals for runs of the jobs it names.
One with `after` and a `window` comes once for each window, and waits for the latest nominal of each parent in
it; its own nominals are the windows' beginnings. Which nominals are asked for is worked out from schedules,
never from what ran: a nominal that was missed is asked for as well, and is known not to come.

Pure; `store.runs.kin` reads what is asked about, and scripts keep count of what is still to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from jobboard.core.diagnostic import Fault
from jobboard.core.jobs.depend import fits, roots_of
from jobboard.core.jobs.model import seed_of
from jobboard.core.states import PASSED_OVER
from jobboard.core.times.nominals import Following
from jobboard.core.times.schedule import Schedule, compile_schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jobboard.core.jobs.depend import Faults
    from jobboard.core.jobs.model import Spec

Fresh: TypeAlias = Literal["latest", "all", "any"]

MOST_ASKED = 10_000
"""A gate asks for at most so many nominals of one job, and so many outcomes of a job are kept at most."""
_SAMPLE_FROM_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
_SAMPLES = 400


@dataclass(frozen=True, slots=True)
class Need:
    """What a job asks of one other.

    Attributes:
        parent: The other job.
        fresh: Of its nominals since the job's previous one, ``latest``, ``all`` or ``any`` have to have run.
        on: How they have to end; None is success.
        timeout_ms: How long the job waits; None is until its next nominal.
        on_timeout: What becomes of the run then, or once it is certain that nothing comes: ``skip``, ``run``
            or ``fail``.
        strict: Whether an end that was not asked for decides at once, as it does after a window's parent.
    """

    parent: str
    fresh: Fresh = "latest"
    on: str | None = None
    timeout_ms: int | None = None
    on_timeout: str = "skip"
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """The nominals of a parent that are asked for: later than one instant, up to another.

    Attributes:
        wanted: How many of them have to end as asked; 0 where the parent has none to ask for.
    """

    low_ms: int
    high_ms: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Ask:
    """What a run still waits for of one parent.

    Attributes:
        left: How many more of the span's nominals have to end as asked; 0 is nothing.
        open: How many of them still can. Fewer than `left`: it is in vain.
        why: If it is in vain, what happened.
    """

    need: Need
    span: Span
    left: int
    open: int
    why: str = ""

    @property
    def vain(self) -> bool:
        """Whether what is asked for cannot come any more."""
        return self.open < self.left


@dataclass(frozen=True, slots=True)
class WindowSchedule(Schedule):
    """The windows of a job that comes once for each: nominal at the beginning, due when the last parent is.

    Attributes:
        parents: The schedules of its parents' nominals.
    """

    parents: tuple[Schedule, ...] = ()

    def due(self, nominal_ms: int) -> int:
        """When the latest nominal in the window of the last of the parents comes."""
        end_ms = self.nominals.next_after(nominal_ms)
        if end_ms is None:
            return nominal_ms
        latest = [found for each in self.parents if (found := each.prev_at(end_ms - 1)) is not None]
        return max([nominal_ms, *latest])


def is_windowed(spec: Spec) -> bool:
    """Whether the job comes once for each window, after its parents."""
    return "after" in spec and "schedule" in spec


def begins_window(address: str, spec: Spec, at_ms: int | None) -> bool:
    """Whether an instant is the beginning of a window of a job that has some: its run comes later."""
    if at_ms is None or not is_windowed(spec):
        return False
    return compile_schedule(spec["schedule"], seed_of(address, spec)).prev_at(at_ms) == at_ms


def needs_of(spec: Spec) -> list[Need]:
    """What a job asks of others at each of its nominals; nothing for a job without a gate."""
    if is_windowed(spec):
        ends = spec.get("on", {})
        return [Need(parent, on=ends.get(parent), strict=True) for parent in spec["after"]]
    return [
        Need(
            parent,
            said.get("fresh", "latest"),
            said.get("on"),
            said.get("timeout"),
            said.get("on_timeout", "skip"),
        )
        for parent, said in spec.get("needs", {}).items()
    ]


def nominals_of(address: str, specs: Mapping[str, Spec]) -> Schedule | None:
    """The schedule that gives a job its nominals: its own, or that of the job it stems from.

    None where it has none, or where a job on the way is not at hand.
    """
    seen = set()
    while address in specs and address not in seen:
        seen.add(address)
        spec = specs[address]
        if "schedule" in spec:
            return compile_schedule(spec["schedule"], seed_of(address, spec))
        if not spec.get("after"):
            return None
        address = spec["after"][0]
    return None


def windows_of(address: str, spec: Spec, specs: Mapping[str, Spec]) -> WindowSchedule:
    """The windows of a job that has some."""
    own = compile_schedule(spec["schedule"], seed_of(address, spec))
    theirs = tuple(found for parent in spec["after"] if (found := nominals_of(parent, specs)) is not None)
    return WindowSchedule(own.nominals, own.start_ms, own.stop_ms, 0, 0, None, theirs)


def span_of(need: Need, own: Schedule, nominal_ms: int, theirs: Schedule | None) -> Span:
    """Which nominals of a parent a run asks for.

    Args:
        need: What is asked.
        own: The job's schedule, or its windows.
        nominal_ms: The run's.
        theirs: Where the parent's nominals come from; None for nowhere.
    """
    if theirs is None:
        return Span(nominal_ms, nominal_ms, 0)
    if isinstance(own, WindowSchedule):
        end_ms = own.nominals.next_after(nominal_ms)
        latest_ms = theirs.prev_at(nominal_ms if end_ms is None else end_ms - 1)
        if latest_ms is None or latest_ms < nominal_ms:
            return Span(nominal_ms, nominal_ms, 0)
        return Span(latest_ms - 1, latest_ms, 1)
    low_ms = _previous(own, nominal_ms)
    count = theirs.count(low_ms, nominal_ms)
    if need.fresh == "latest" or not count:
        latest_ms = theirs.prev_at(nominal_ms)
        return Span(nominal_ms, nominal_ms, 0) if latest_ms is None else Span(latest_ms - 1, latest_ms, 1)
    return Span(low_ms, nominal_ms, count if need.fresh == "all" else 1)


def _previous(own: Schedule, nominal_ms: int) -> int:
    """The nominal before one; for the first of all, as far back as the next one is ahead."""
    before_ms = own.prev_at(nominal_ms - 1)
    if before_ms is not None:
        return before_ms
    next_ms = own.next_after(nominal_ms)
    return nominal_ms - 86_400_000 if next_ms is None else 2 * nominal_ms - next_ms


def ask(
    need: Need,
    span: Span,
    theirs: Schedule | None,
    known: Callable[[int], str | None],
    may_come: Callable[[int], bool],
) -> Ask:
    """What a run still waits for of a parent, as things stand.

    Args:
        need: What is asked.
        span: Of which nominals.
        theirs: Where the parent's nominals come from.
        known: How a nominal ended, if it has.
        may_come: Whether a nominal that has not ended can still come.
    """
    if theirs is None or not span.wanted:
        return Ask(need, span, 1, 0, "has no nominal to wait for")
    good = still = 0
    why = ""
    for nominal_ms in _between(theirs, span):
        state = known(nominal_ms)
        if state is not None and fits(need.on, state):
            good += 1
        elif is_coming(need, state) and (state is not None or may_come(nominal_ms)):
            still += 1
        else:
            why = state or "did not come"
    return Ask(need, span, max(0, span.wanted - good), still, why)


def is_coming(need: Need, state: str | None) -> bool:
    """Whether a nominal that is not as asked may be yet: one that failed may be run again with success."""
    if state is None:
        return True
    return not need.strict and state not in PASSED_OVER and not fits(None, state)


def _between(theirs: Schedule, span: Span) -> Iterator[int]:
    nominal_ms = theirs.next_after(span.low_ms)
    while nominal_ms is not None and nominal_ms <= span.high_ms:
        yield nominal_ms
        nominal_ms = theirs.next_after(nominal_ms)


def check_gates(specs: Mapping[str, Spec]) -> Faults:
    """Jobs that ask for nominals which no schedule gives, or for more of them than are kept.

    Args:
        specs: The jobs at hand and those they ask, by address; what is not at hand is not judged.
    """
    faults: Faults = {}
    for address, _, fault in gates_amiss(specs):
        faults.setdefault(address, []).append(fault)
    return faults


def gates_amiss(specs: Mapping[str, Spec]) -> Iterator[tuple[str, str, Fault]]:
    """Jobs, what they ask of in vain, and why."""
    for address, spec in specs.items():
        for need in needs_of(spec):
            fault = _need_fault(need, address, specs)
            if fault is not None:
                yield address, need.parent, fault


def _need_fault(need: Need, address: str, specs: Mapping[str, Spec]) -> Fault | None:
    """What is wrong with one need, of a job that has a schedule."""
    spec, key = specs[address], "after" if need.strict else "needs"
    if "schedule" not in spec or roots_of(need.parent, specs) is None:
        return None
    theirs = nominals_of(need.parent, specs)
    if theirs is None:
        hint = f"Give {need.parent} a schedule" + (
            "" if need.strict else ", or write after in place of needs"
        )
        return Fault((key,), f"{need.parent} has no schedule, hence no nominal to wait for", hint)
    if "delay" in spec["schedule"] or isinstance(theirs.nominals, Following):
        whose = address if "delay" in spec["schedule"] else need.parent
        message = f"{whose} runs a while after each of its runs ends, hence at no instant known beforehand"
        return Fault((key,), message, f"Give {whose} every or cron in place of delay")
    if need.fresh != "latest":
        own = compile_schedule(spec["schedule"], seed_of(address, spec))
        count = most_asked(own, theirs)
        if count > MOST_ASKED:
            message = f"it would ask for {count:,} runs of {need.parent}, and {MOST_ASKED:,} are kept"
            return Fault((key,), message, "Ask for the latest, or let this job come more often")
    return None


def reach_ms(spec: Spec) -> int:
    """The longest time between two nominals of a job: how far back it may ask. A seed moves all alike."""
    own = compile_schedule(spec["schedule"], "")
    found = list(_sample(own))
    gaps = [late - early for early, late in pairwise(found)]
    return max(gaps, default=86_400_000)


def most_asked(own: Schedule, theirs: Schedule) -> int:
    """How many nominals of a parent lie between two of a job at most, in the coming years."""
    found = list(_sample(own))
    return max((theirs.count(a, b) for a, b in pairwise(found)), default=0)


def _sample(schedule: Schedule) -> Iterator[int]:
    """Consecutive nominals of a schedule: enough to see its longest pause."""
    nominal_ms = schedule.next_after(max(_SAMPLE_FROM_MS, schedule.start_ms) - 1)
    for _ in range(_SAMPLES):
        if nominal_ms is None:
            return
        yield nominal_ms
        nominal_ms = schedule.next_after(nominal_ms)
