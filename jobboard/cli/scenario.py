"""The circumstances of a simulation, made of the options of ``simulate`` and ``plan --simulate``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.cli.arguments import instant_ms, span_ms
from jobboard.core.jobs.override import outlook
from jobboard.core.jobs.runner import queue_of
from jobboard.core.names import plain_queue
from jobboard.core.simulation.load import HOUR_MS, MINUTE_MS
from jobboard.core.simulation.simulate import (
    DEFAULT_DURATION_MS,
    Downtime,
    Scenario,
    expected_fires,
    matching_jobs,
    simulate,
)
from jobboard.core.times.duration import format_duration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.simulation.simulate import Later, Simulation
    from jobboard.store.calls.connect import Store

MOST_FIRES = 2_000_000
"""Beyond this a simulation takes more than half a minute and a gigabyte."""


@dataclass(frozen=True, slots=True)
class Sourced:
    """A scenario, and where its durations come from.

    Attributes:
        given, recorded, assumed: How many jobs' durations are of each kind.
        unserved: Queues of jobs that no worker serves, of those that are alive.
        is_unstaffed, is_unscheduled: Whether no worker and no scheduler is alive, where that matters.
    """

    scenario: Scenario
    given: int
    recorded: int
    assumed: int
    unserved: Sequence[str] = ()
    is_unstaffed: bool = False
    is_unscheduled: bool = False

    @property
    def sources(self) -> str:
        """Where the durations come from, in words."""
        assumed = f"{self.assumed:,} taken to be {format_duration(self.scenario.default_ms)}"
        parts = [
            f"{count} {word}" for count, word in ((self.given, "given"), (self.recorded, "recorded")) if count
        ]
        return ", ".join([*parts, *([assumed] if self.assumed or not parts else [])])


def scenario_of(
    args: argparse.Namespace, jobs: Mapping[str, Spec], begin_ms: int, store: Store | None = None
) -> Sourced:
    """The circumstances that were asked for.

    Args:
        args: The options of `cli.scenario_options`.
        jobs: Every job that is simulated, by address.
        begin_ms: Where the simulation begins if nothing else is said.
        store: Where durations are recorded; needed with ``--recorded``.

    Raises:
        errors.UsageError: An option makes no sense.
    """
    if args.start is not None:
        begin_ms = instant_ms(args.start, "--from", args.timezone)
    until_ms = begin_ms - begin_ms % MINUTE_MS + int(args.hours * HOUR_MS)
    default_ms, given = _durations(args.durations, jobs)
    recorded: dict[str, int] = {}
    if args.recorded and store is not None:
        from jobboard.store.views.usual import usual_durations

        recorded = usual_durations(store, [address for address in jobs if address not in given])
    scenario = Scenario(
        begin_ms,
        until_ms,
        slots=args.slots,
        queues=_queues(args.queue, jobs),
        durations={**recorded, **given},
        default_ms=default_ms,
        exits=_exits(args.exits, jobs),
        downtimes=[_downtime(text, args.timezone, begin_ms, until_ms) for text in args.downtime],
    )
    return Sourced(scenario, len(given), len(recorded), len(jobs) - len(given) - len(recorded))


def play(jobs: Mapping[str, Spec], scenario: Scenario, later: Later = MappingProxyType({})) -> Simulation:
    """Simulate, unless it would take too long.

    Args:
        jobs: Definitions by address.
        scenario: The circumstances.
        later: What comes into force on the way.

    Raises:
        errors.UsageError: It would.
    """
    fires = expected_fires(jobs, scenario, later)
    if fires > MOST_FIRES:
        raise errors.UsageError(
            f"that is {fires:,} runs, and more than {MOST_FIRES:,} are not simulated",
            "simulate fewer hours, with --hours, or fewer boards",
        )
    return simulate(jobs, scenario, later)


def play_definitions(definitions: Mapping[str, Definition], scenario: Scenario) -> Simulation:
    """As `play`, with overrides that end on the way."""
    jobs, later = outlook(definitions, scenario.from_ms)
    return play(jobs, scenario, later)


def from_store(sourced: Sourced, store: Store, now_ms: int, jobs: Mapping[str, Spec]) -> Sourced:
    """The circumstances with what only the store knows: who works, what rules queues, what is decided.

    What is decided and under way counts where the simulation begins now, not at another instant. Slots that
    were given count in place of those of workers.

    Args:
        sourced: What the options say.
        store: Where the rest is.
        now_ms: The store's time.
        jobs: What is in force of every job, by address.
    """
    from jobboard.store.boards.skips import read_skips
    from jobboard.store.views.standing import is_scheduled, read_crews, read_queue_rules, read_standing
    from jobboard.store.views.usual import dues, pauses, used_runs

    scenario = sourced.scenario
    paced = [address for address, spec in jobs.items() if "delay" in spec.get("schedule", {})]
    crews = read_crews(store, now_ms) if scenario.slots is None else []
    played = replace(
        scenario,
        pauses=pauses(store, now_ms),
        used=used_runs(store),
        dues=dues(store, paced),
        skips={address: skip.left for address, skip in read_skips(store).items()},
        crews=crews or None,
        rules=read_queue_rules(store),
        standing=read_standing(store, jobs) if scenario.from_ms == now_ms else scenario.standing,
    )
    served = {*scenario.queues, *(queue for crew in crews for queue in crew.queues)}
    queues = {queue_of(spec) for spec in jobs.values() if spec.get("enabled", True)}
    wanted = {queue for queue in queues if plain_queue(queue) not in scenario.queues}
    return replace(
        sourced,
        scenario=played,
        unserved=sorted(wanted - served) if crews else (),
        is_unstaffed=scenario.slots is None and not crews,
        is_unscheduled=not is_scheduled(store, now_ms),
    )


def _durations(texts: Sequence[str], jobs: Mapping[str, Spec]) -> tuple[int, dict[str, int]]:
    default_ms, given = DEFAULT_DURATION_MS, dict[str, int]()
    for text in texts:
        name, equals, span = text.rpartition("=")
        span_ms = _span(span, text)
        if equals:
            given.update(dict.fromkeys(_jobs(name, jobs, "--durations"), span_ms))
        else:
            default_ms = span_ms
    return default_ms, given


def _exits(texts: Sequence[str], jobs: Mapping[str, Spec]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for text in texts:
        name, _, codes = text.rpartition("=")
        words = codes.split(",")
        if not name or not all(word.isdecimal() and int(word) < 256 for word in words):
            raise errors.UsageError(f"--exits {text} names no exit codes", "write --exits JOB=1,0")
        for address in _jobs(name, jobs, "--exits"):
            found[address] = [int(word) for word in words]
    return found


def _queues(texts: Sequence[str], jobs: Mapping[str, Spec]) -> dict[str, int]:
    known = Counter(spec.get("queue", "common") for spec in jobs.values())
    found: dict[str, int] = {}
    for text in texts:
        name, _, count = text.rpartition("=")
        if not count.isdecimal():
            raise errors.UsageError(f"--queue {text} says no number of slots", "write --queue NAME=N")
        if name not in known:
            raise errors.UsageError(f"no job is in queue {name!r}", f"there are {', '.join(sorted(known))}")
        found[name] = int(count)
    return found


def _jobs(name: str, jobs: Mapping[str, Spec], option: str) -> Sequence[str]:
    found = matching_jobs(name, jobs)
    if not found:
        raise errors.UsageError(f"{option}: there is no job {name}", _nearest(name, jobs))
    return found


def _nearest(name: str, jobs: Iterable[str]) -> str:
    from difflib import get_close_matches

    by_name = {address.partition("/")[2]: address for address in jobs}
    near = get_close_matches(name, [*jobs, *by_name], n=1)
    return f"did you mean {near[0]}?" if near else "jobboard ls lists the jobs that were synced"


def _downtime(text: str, zone: str | None, begin_ms: int, until_ms: int) -> Downtime:
    first, slash, last = text.partition("/")
    if not slash:
        raise errors.UsageError(f"--downtime {text} is no span of time", "write --downtime FROM/UNTIL")
    down = Downtime(instant_ms(first, "--downtime", zone), instant_ms(last, "--downtime", zone))
    if down.from_ms < begin_ms <= down.from_ms + MINUTE_MS:
        # It begins within a minute, and a person writes minutes.
        down = Downtime(begin_ms, down.until_ms)
    if not begin_ms <= down.from_ms < down.until_ms <= until_ms:
        raise errors.UsageError(
            f"--downtime {text} does not lie within what is simulated", "see --from, --hours"
        )
    return down


def _span(text: str, whole: str) -> int:
    return span_ms(text, f"--durations {whole}")
