"""A job in full: definition and what is default, origin, drift, holds, next and last runs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from jobboard.cli.commands.ls import trigger_text
from jobboard.cli.commands.runs_text import why_text
from jobboard.cli.plans.changes import edited_by, override_value, under_text
from jobboard.cli.records import (
    holds_json,
    instant_json,
    joins_json,
    moment,
    overrides_json,
    overriding,
    record_json,
    skip_json,
    spent,
    state_text,
    style_of,
)
from jobboard.cli.values import shown
from jobboard.core.diagnostic import visible
from jobboard.core.jobs.merge import merge_job
from jobboard.core.jobs.model import FIELDS, seed_of
from jobboard.core.jobs.override import in_force
from jobboard.core.jobs.resolve import GIVEN
from jobboard.core.jobs.written import unit_of
from jobboard.core.names import split_address
from jobboard.core.runs.pending import joining
from jobboard.core.scope import resume_command, scope_text
from jobboard.core.times.instant import local_text
from jobboard.core.times.schedule import compile_schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobboard.cli.screen import Screen
    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.jobs.override import Override
    from jobboard.core.runs.facts import JobFacts
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store

UPCOMING = 5
LAST = 8
MASKED = "***"
"""In place of values of the environment: whoever looks at a job has no need of them."""


@dataclass(frozen=True, slots=True)
class JobView:
    """Everything `show` says of a job.

    Attributes:
        facts: How it stands.
        definition: As stored.
        board: Its board's record.
        drift: The paths edited live.
        edits: Who edited which of them last: path to {actor, via, at}.
        now_ms: The store's time.
    """

    facts: JobFacts
    definition: Definition
    board: BoardRecord
    drift: Sequence[Merged]
    edits: Mapping[str, Mapping[str, Any]]
    now_ms: int

    @property
    def spec(self) -> Spec:
        """What is in force."""
        return in_force(self.definition, self.now_ms)

    def as_json(self) -> dict[str, Any]:
        """With stable keys."""
        facts, meta = self.facts, self.board.meta
        return {
            "job": facts.address,
            "spec": masked(self.spec),
            "overrides": overrides_json(map(_hidden, facts.overrides)),
            "defaults": {
                name: _plain(field.default) for name, field in FIELDS.items() if _by_default(self.spec, name)
            },
            "revision": self.definition.revision,
            "path": meta.get("path"),
            "commit": meta.get("commit"),
            "drift": [self._drift_json(field) for field in self.drift],
            "holds": holds_json(facts.holds),
            "skip": skip_json(facts.skip),
            "completed": facts.completed,
            "next_due": instant_json(facts.due_at_ms),
            "next": [instant_json(due) for due in self.upcoming()],
            "live": [record_json(run) for run in facts.live],
            "joins": joins_json(facts.joins),
            "last": [record_json(record) for record in facts.records],
        }

    def write(self, screen: Screen) -> None:
        """For people."""
        self._head(screen)
        self._definition(screen)
        self._state(screen)
        self._next(screen)
        self._last(screen)

    def upcoming(self) -> list[int]:
        """The next instants it is due."""
        schedule = self.spec.get("schedule")
        if schedule is None or self.facts.completed or self.spec.get("enabled") is False:
            return []
        if "delay" in schedule:
            return [] if self.facts.due_at_ms is None else [self.facts.due_at_ms]
        compiled = compile_schedule(schedule, seed_of(self.facts.address, self.definition.spec))
        dues: list[int] = []
        at_ms = compiled.next_after(self.now_ms)
        while at_ms is not None and len(dues) < UPCOMING:
            dues.append(compiled.due(at_ms))
            at_ms = compiled.next_after(at_ms)
        return dues

    def laid_over(self) -> list[str]:
        """What is in force or in the way beyond the board's file, a line each: by whom, why, until when."""
        lines = [
            f"override    {override.path} is {override_value(_hidden(override))},"
            f" not {self._below(override)}{self._how(override)}"
            for override in self.facts.overrides
        ]
        lines += [
            f"edited      {field.path} is {self._value(field, field.live)},"
            f" the board says {self._value(field, field.file)}{self._who(field)}"
            for field in self.drift
        ]
        return [*lines, *self._standing()]

    def _head(self, screen: Screen) -> None:
        spec = self.spec
        screen.line(f"{self.facts.address}   {trigger_text(spec)}", "bold")
        if spec.get("description"):
            screen.line(f"  {spec['description']}")
        screen.line(f"  {provenance(self.board, self.definition.revision)}", "dim")
        screen.line()

    def _definition(self, screen: Screen) -> None:
        spec = self.spec
        named = [name for name in FIELDS if name in spec and name not in ("description", "schedule")]
        if "schedule" in spec:
            named.insert(1, "schedule")
        by_field: dict[str, list[Merged]] = {}
        for field in self.drift:
            by_field.setdefault(field.path.partition(".")[0], []).append(field)
        over: dict[str, list[Override]] = {}
        for override in self.facts.overrides:
            over.setdefault(override.path.partition(".")[0], []).append(override)
        shown = list(dict.fromkeys([*named, *by_field, *over]))
        width = max([12, *(len(name) + 2 for name in shown)])
        for name in shown:
            screen.line(f"  {name:<{width}}{value_text(name, spec.get(name))}")
            for field in by_field.get(name, ()):
                screen.line(f"  {'':<{width}}{self._drift_text(field)}", "change")
            for override in over.get(name, ()):
                screen.line(f"  {'':<{width}}{self._override_text(override)}", "change")
        defaults = [_default_text(name) for name in FIELDS if _by_default(spec, name)]
        text = f"  {'by default':<{width}}{', '.join(defaults)}"
        for line in wrap(
            text,
            width=min(100, shutil.get_terminal_size().columns),
            subsequent_indent=" " * (width + 2),
            break_on_hyphens=False,
        ):
            screen.line(line, "dim")

    def _drift_text(self, field: Merged) -> str:
        before = self._value(field, field.file)
        return f"~ {field.path}: the board says {before}; edited live{self._who(field)}"

    def _who(self, field: Merged) -> str:
        return edited_by(self.edits.get(field.path), self.now_ms)

    def _override_text(self, override: Override) -> str:
        return (
            f"! {override.path}: the definition says {self._below(override)}; overridden{self._how(override)}"
        )

    def _below(self, override: Override) -> str:
        return MASKED if _secret(override.path) else under_text(self.definition.spec, override)

    def _how(self, override: Override) -> str:
        return overriding(override, self.now_ms, self.facts.zone)

    def _value(self, field: Merged, value: Any) -> str:
        if value is None:
            return "nothing"
        return MASKED if _secret(field.path) else shown(field.path, value)

    def _drift_json(self, field: Merged) -> dict[str, Any]:
        made = self.edits.get(field.path, {})
        hidden = _secret(field.path)
        return {
            "path": field.path,
            "file": MASKED if hidden else field.file,
            "live": MASKED if hidden else field.live,
            "unit": unit_of(field.path),
            "by": made.get("actor"),
            "via": made.get("via"),
            "at": instant_json(made.get("at")),
        }

    def _state(self, screen: Screen) -> None:
        for line in self._standing():
            screen.line(f"  {line}", "change")
        if self.facts.completed:
            screen.line("  completed   its schedule has come to its end", "change")

    def _standing(self) -> Iterator[str]:
        """What keeps its next runs from starting, a line each, with the command that ends it."""
        facts = self.facts
        for scope, holds in facts.holds.items():
            for hold in holds:
                until = (
                    f" until {local_text(hold['until'] // 1000 * 1000, facts.zone)}"
                    if hold.get("until")
                    else ""
                )
                reason = f': "{hold["reason"]}"' if hold.get("reason") else ""
                what = scope_text(scope)
                yield f"paused      {what} by {hold['by']}{until}{reason}   {resume_command(scope)}"
        if facts.skip is not None:
            undo = f"jobboard skip-next {facts.address} --clear"
            yield f"skipping    {visible(facts.skip.words)}   {undo}"

    def _next(self, screen: Screen) -> None:
        upcoming = self.upcoming()
        if not upcoming:
            return
        screen.line()
        screen.line("  Next windows, from" if "after" in self.spec else "  Next")
        for due_ms in upcoming:
            screen.line(f"    {local_text(due_ms, self.facts.zone)}")

    def _last(self, screen: Screen) -> None:
        waiting = joining(self.facts.address, self.facts.joins)
        records = [*self.facts.live, *waiting, *self.facts.records][:LAST]
        screen.line()
        if not records:
            screen.line("  It has not run yet.")
            screen.line(f"  → jobboard run {self.facts.address}")
            return
        screen.line(f"  Last runs ({self.facts.zone})" if self.facts.zone else "  Last runs")
        width = max(16, *(len(state_text(record)) + 1 for record in records))
        for record in records:
            state = screen.paint(f"{state_text(record):<{width}}", style_of(record))
            at_ms = record.nominal_ms if record.passed_over else record.started_at_ms or record.seen_at_ms
            at = moment(at_ms, self.facts.zone, self.now_ms)
            words = f"{state}{at:<18}{spent(record, self.now_ms):<8}{why_text(record, self.now_ms)}"
            screen.line(f"    {words}".rstrip())
        screen.line(f"  → jobboard why {self.facts.address} · jobboard logs {self.facts.address}")


def read(store: Store, address: str, now_ms: int) -> JobView:
    """Read all that `JobView` says.

    Raises:
        errors.UsageError: The job is gone.
    """
    from jobboard import errors
    from jobboard.store.boards import definitions
    from jobboard.store.boards.edits import read_edits
    from jobboard.store.runs.world import read_job_facts

    board, job = split_address(address)
    record = definitions.read_board(store, board)
    found = definitions.read_some(store, record.version, [job]) if record else {}
    if record is None or job not in found:
        raise errors.UsageError(f"there is no job {address} any more", "jobboard ls lists the jobs")
    definition = found[job]
    drift = merge_job(definition.base, definition.spec, definition.base).drift if definition.drifted else ()
    edits = read_edits(store, [address]).get(address, {}) if drift else {}
    facts = read_job_facts(store, address, now_ms)
    return JobView(facts, definition, record, drift, edits, now_ms)


def provenance(board: BoardRecord, revision: int) -> str:
    """Where a board comes from, and the revision: ``boards/ops.yaml @ 3f2c1ab · revision 12``."""
    path, commit = board.meta.get("path"), board.meta.get("commit")
    source = f"{path} @ {commit[:7]}" if path and commit else path or "no file"
    return f"{source} · revision {revision}"


def value_text(name: str, value: Any) -> str:
    """A field's value in words, environment values masked."""
    if name == "env" and value:
        return f"{', '.join(value)}   (values hidden)"
    if name in ("labels", "locks") and value:
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return shown(name, value)


def masked(spec: Spec) -> dict[str, Any]:
    """A spec whose environment shows names only."""
    hidden = {"env": dict.fromkeys(spec["env"], MASKED)} if "env" in spec else {}
    return {**spec, **hidden}


def _secret(path: str) -> bool:
    """Whether what a path of a job says is hidden here: the values of its environment."""
    return path == "env" or path.startswith("env.")


def _hidden(override: Override) -> Override:
    hides = _secret(override.path) and override.value is not None
    return replace(override, value=MASKED) if hides else override


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _default_text(name: str) -> str:
    if name == "retries":
        return "no retries"
    if name == "defer":
        return "exit 75 comes back after 1m"
    return f"{name} {shown(name, FIELDS[name].default)}"


def _by_default(spec: Spec, name: str) -> bool:
    if name in GIVEN and spec["command"].keys().isdisjoint(GIVEN[name]):
        return False
    return name not in spec and FIELDS[name].default not in (None, False) and name != "enabled"
