"""What a file of tests means: the circumstances it is simulated under, and its assertions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from jobboard.core.diagnostic import Diagnostic, Fault, KeyFault
from jobboard.core.simulation.assertion import (
    WEEKDAYS,
    Count,
    EndsBy,
    Fires,
    InTime,
    Never,
    NoOverlap,
    chain_of,
)
from jobboard.core.simulation.simulate import DEFAULT_DURATION_MS, Downtime, Scenario, matching_jobs
from jobboard.core.times.duration import parse_duration
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.zone import UnknownZone, find_zone
from jobboard.source.placing import placed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobboard.core.diagnostic import Path as Steps
    from jobboard.core.jobs.model import Spec
    from jobboard.core.simulation.assertion import Assertion
    from jobboard.source.testfile import Draft
    from jobboard.source.yamltree import Tree

KINDS = ("fires", "never", "count", "no_overlap", "ends_by", "in_time")
_HOUR_MS = 3_600_000
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Case:
    """One assertion, as the report names it, and the line it begins on."""

    name: str
    line: int
    assertion: Assertion


@dataclass(frozen=True, slots=True)
class Suite:
    """A file of tests, resolved: all its cases are judged by one simulation."""

    shown: str
    scenario: Scenario
    cases: Sequence[Case]


def compose(drafted: Draft, jobs: Mapping[str, Spec]) -> tuple[Suite | None, list[Diagnostic]]:
    """A suite of a draft, now that its jobs are known; None where something is wrong.

    Args:
        drafted: The file.
        jobs: The jobs of its boards, by address.
    """
    composer = _Composer(drafted.tree, jobs)
    suite = composer.suite(drafted.shown)
    diagnostics = [placed(drafted.shown, drafted.tree, fault) for fault in composer.faults]
    return (None if diagnostics else suite), diagnostics


class _Broken(Exception):
    """What was read is wrong; the fault has been noted."""


class _Composer:
    """Turns one file into a suite, and notes what is wrong."""

    def __init__(self, tree: Tree, jobs: Mapping[str, Spec]) -> None:
        self.faults: list[Fault] = []
        self._tree = tree
        self._jobs = jobs
        self._zone: str | None = None
        self._from_ms = self._until_ms = 0

    def suite(self, shown: str) -> Suite | None:
        """All of it; None where not even the simulated time is known."""
        root = self._tree.root
        try:
            self._zone = self._known_zone(root.get("timezone"), ("timezone",))
            self._from_ms = self._instant(root["from"], ("from",))
        except _Broken:
            return None
        self._until_ms = self._from_ms + int(root.get("hours", 24) * _HOUR_MS)
        scenario = self._scenario(root)
        cases = [self._case(item, ("tests", index)) for index, item in enumerate(root["tests"])]
        return Suite(shown, scenario, [case for case in cases if case is not None])

    # ---- circumstances

    def _scenario(self, root: Mapping[str, Any]) -> Scenario:
        durations = dict(root.get("durations", {}))
        default_ms = DEFAULT_DURATION_MS
        if "*" in durations:
            default_ms = parse_duration(durations.pop("*"))
        return Scenario(
            self._from_ms,
            self._until_ms,
            slots=root.get("slots"),
            queues=self._queues(root.get("queues", {})),
            durations=self._by_job("durations", {n: parse_duration(span) for n, span in durations.items()}),
            default_ms=default_ms,
            exits=self._by_job(
                "exits", {n: c if isinstance(c, list) else [c] for n, c in root.get("exits", {}).items()}
            ),
            downtimes=self._downtimes(root.get("downtimes", ())),
        )

    def _by_job(self, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by address; a job's own name wins over a pattern."""
        found: dict[str, Any] = {}
        for text in sorted(values, key=lambda text: len(matching_jobs(text, self._jobs)), reverse=True):
            addresses = matching_jobs(text, self._jobs)
            if not addresses:
                self.faults.append(KeyFault((key, text), f"there is no job {text}", self._nearest(text)))
            found.update(dict.fromkeys(addresses, values[text]))
        return found

    def _queues(self, queues: Mapping[str, int]) -> dict[str, int]:
        known = {spec.get("queue", "common") for spec in self._jobs.values()}
        for name in queues:
            if name not in known:
                hint = f"There are  {', '.join(sorted(known))}"
                self.faults.append(KeyFault(("queues", name), f'no job is in queue "{name}"', hint))
        return dict(queues)

    def _downtimes(self, raw: Sequence[Mapping[str, str]]) -> list[Downtime]:
        found = []
        for index, item in enumerate(raw):
            path: Steps = ("downtimes", index)
            try:
                down = Downtime(
                    *(self._within(item[key], (*path, key), end=key == "until") for key in ("from", "until"))
                )
            except _Broken:
                continue
            if down.until_ms <= down.from_ms:
                self.faults.append(Fault((*path, "until"), "it ends before it begins"))
            found.append(down)
        return found

    # ---- assertions

    def _case(self, item: Mapping[str, Any], path: Steps) -> Case | None:
        kinds = [kind for kind in KINDS if kind in item]
        if len(kinds) != 1:
            message = "a test asserts nothing" if not kinds else f'"{kinds[1]}" beside "{kinds[0]}"'
            fault = Fault if not kinds else KeyFault
            where = path if not kinds else (*path, kinds[1])
            self.faults.append(fault(where, message, f"Write one of  {', '.join(KINDS)}  in each"))
            return None
        makers: dict[str, Callable[[Any, Steps], Assertion]] = {
            "fires": self._fires,
            "never": self._never,
            "count": self._count,
            "no_overlap": self._no_overlap,
            "ends_by": self._ends_by,
            "in_time": self._in_time,
        }
        try:
            assertion = makers[kinds[0]](item[kinds[0]], (*path, kinds[0]))
        except _Broken:
            return None
        line, _ = self._tree.text.position(self._tree.offset((*path, kinds[0]), key=True))
        return Case(item.get("name") or assertion.title, line, assertion)

    def _fires(self, raw: Mapping[str, Any], path: Steps) -> Assertion:
        job = self._job(raw["job"], (*path, "job"))
        from_ms, until_ms = self._from_ms, self._until_ms
        if "from" in raw:
            from_ms = self._within(raw["from"], (*path, "from"))
        if "until" in raw:
            until_ms = self._within(raw["until"], (*path, "until"), end=True)
        at_ms = [self._within(text, (*path, "at", index)) for index, text in enumerate(raw["at"])]
        for index, instant_ms in enumerate(at_ms):
            if not from_ms <= instant_ms < until_ms:
                self._refuse((*path, "at", index), "this instant is not looked at", "See its from and until")
        return Fires(job, from_ms, until_ms, sorted(set(at_ms)), self._zone)

    def _never(self, raw: Mapping[str, Any], path: Steps) -> Assertion:
        job = self._job(raw["job"], (*path, "job"))
        if ("at" in raw) == ("between" in raw):
            self._refuse(path, '"never" takes either instants or times of day', "Write one of  at, between")
        at_ms = [self._within(text, (*path, "at", index)) for index, text in enumerate(raw.get("at", ()))]
        between: tuple[int, int] | None = None
        if "between" in raw:
            if len(raw["between"]) != 2:
                self._refuse((*path, "between"), '"between" takes two times', 'Write  ["08:00", "20:00"]')
            begin, end = (self._time(t, (*path, "between", i)) for i, t in enumerate(raw["between"]))
            between = begin, end
        return Never(job, at_ms, between, self._zone)

    def _count(self, raw: Mapping[str, Any], path: Steps) -> Assertion:
        job = self._job(raw["job"], (*path, "job"))
        bounds = [key for key in ("is", "at_least", "at_most") if key in raw]
        if not bounds or ("is" in bounds and len(bounds) > 1):
            self._refuse(
                path, '"count" says how many', "Write  is: N, or one or both of at_least and at_most"
            )
        least, most = raw.get("is", raw.get("at_least", 0)), raw.get("is", raw.get("at_most"))
        if most is not None and most < least:
            self._refuse((*path, "at_most"), "at_most is less than at_least")
        return Count(job, raw.get("per", "all"), least, most, self._zone)

    def _no_overlap(self, raw: Sequence[str], path: Steps) -> Assertion:
        jobs = list(dict.fromkeys(self._job(name, (*path, index)) for index, name in enumerate(raw)))
        if len(jobs) < 2:
            self._refuse(path, '"no_overlap" takes two jobs or more', "Write  [extract, nightly]")
        return NoOverlap(jobs, self._zone)

    def _ends_by(self, raw: Mapping[str, Any], path: Steps) -> Assertion:
        if ("job" in raw) == ("chain" in raw):
            self._refuse(path, '"ends_by" is about a job or a chain', "Write one of  job, chain")
        key = "chain" if "chain" in raw else "job"
        first = self._job(raw[key], (*path, key))
        zone = self._known_zone(raw["timezone"], (*path, "timezone")) if "timezone" in raw else self._zone
        return EndsBy(
            chain_of(first, self._jobs) if key == "chain" else [first],
            self._time(raw["time"], (*path, "time")),
            frozenset(WEEKDAYS.index(day) for day in raw.get("days", WEEKDAYS)),
            zone,
            first if key == "chain" else None,
        )

    def _in_time(self, raw: Sequence[str], path: Steps) -> Assertion:
        jobs = list(dict.fromkeys(self._job(name, (*path, index)) for index, name in enumerate(raw)))
        for index, job in enumerate(jobs):
            if not {"start_within", "finish_by"} & self._jobs[job].keys():
                hint = "Give it start_within or finish_by, or take it out"
                self._refuse((*path, index), f"{job} has no deadline", hint)
        return InTime(jobs, self._zone)

    # ---- values

    def _refuse(self, path: Steps, message: str, hint: str | None = None) -> NoReturn:
        self.faults.append(Fault(path, message, hint))
        raise _Broken

    def _job(self, text: str, path: Steps) -> str:
        found = [text] if text in self._jobs else [a for a in self._jobs if a.endswith(f"/{text}")]
        if not found:
            self._refuse(path, f"there is no job {text}", self._nearest(text))
        if len(found) > 1:
            self._refuse(path, f"{len(found)} jobs are called {text}", f"Write one of  {', '.join(found)}")
        return found[0]

    def _nearest(self, text: str) -> str | None:
        from difflib import get_close_matches

        names = {address.partition("/")[2]: address for address in self._jobs}
        near = get_close_matches(text, [*names, *self._jobs], n=1)
        return f'Did you mean "{near[0]}"?' if near else None

    def _known_zone(self, text: str | None, path: Steps) -> str | None:
        try:
            return text if text is None else find_zone(text).name
        except UnknownZone as error:
            self.faults.append(Fault(path, str(error), error.hint))
            raise _Broken from error

    def _instant(self, text: str, path: Steps) -> int:
        try:
            return parse_instant(text, self._zone)
        except ValueError as error:
            message, _, hint = str(error).partition("; ")
            self.faults.append(Fault(path, message, hint[:1].upper() + hint[1:] or None))
            raise _Broken from error

    def _within(self, text: str, path: Steps, *, end: bool = False) -> int:
        """An instant within the simulated time; `end` also takes its very end."""
        at_ms = self._instant(text, path)
        if not self._from_ms <= at_ms < self._until_ms + end:
            self._refuse(path, "this instant is not simulated", "See  from  and  hours  of the file")
        return at_ms

    def _time(self, text: str, path: Steps) -> int:
        """A time of day, in minutes."""
        found = _TIME.fullmatch(text)
        if found is None:
            self._refuse(path, f'"{text}" is no time of day', 'Write it like "06:00"')
        return int(found[1]) * 60 + int(found[2])
