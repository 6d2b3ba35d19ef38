"""A job as people read it: what it is, what lies over it, what it did and will do."""

from __future__ import annotations

import shutil
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from jobboard.cli.commands.ls import trigger_text
from jobboard.cli.commands.runs_text import why_text
from jobboard.cli.hiding import MASKED, is_hidden, masked_override
from jobboard.cli.plans.changes import edited_by
from jobboard.cli.plans.overlaid import override_value, under_text
from jobboard.cli.records import moment, overriding, spent, state_text, style_of
from jobboard.cli.scopes import hold_text
from jobboard.cli.values import shown
from jobboard.core.diagnostic import visible
from jobboard.core.jobs.model import FIELDS
from jobboard.core.jobs.resolve import GIVEN
from jobboard.core.runs.pending import joining
from jobboard.core.scope import resume_command
from jobboard.core.times.instant import local_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.cli.commands.show_job import JobView
    from jobboard.cli.screen import Screen
    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.model import Spec
    from jobboard.core.jobs.override import Override
    from jobboard.store.boards.definitions import BoardRecord

LAST = 8


class JobText:
    """A job on a screen."""

    def __init__(self, view: JobView, screen: Screen) -> None:
        self._view = view
        self._facts = view.facts
        self._screen = screen

    def write(self) -> None:
        """All of it."""
        self._head()
        self._definition()
        self._state()
        self._next()
        self._last()

    def laid_over(self) -> list[str]:
        """What is in force or in the way beyond the board's file, a line each: by whom, why, until when."""
        lines = [
            f"override    {override.path} is {override_value(masked_override(override))},"
            f" not {self._below(override)}{self._how(override)}"
            for override in self._facts.overrides
        ]
        lines += [
            f"edited      {field.path} is {self._value(field, field.live)},"
            f" the board says {self._value(field, field.file)}{self._who(field)}"
            for field in self._view.drift
        ]
        return [*lines, *self._standing()]

    def _head(self) -> None:
        spec = self._view.spec
        self._screen.line(f"{self._facts.job}   {trigger_text(spec)}", "bold")
        if spec.get("description"):
            self._screen.line(f"  {spec['description']}")
        self._screen.line(f"  {provenance(self._view.board, self._view.definition.revision)}", "dim")
        self._screen.line()

    def _definition(self) -> None:
        spec = self._view.spec
        named = [name for name in FIELDS if name in spec and name not in ("description", "schedule")]
        if "schedule" in spec:
            named.insert(1, "schedule")
        by_field: dict[str, list[Merged]] = {}
        for field in self._view.drift:
            by_field.setdefault(field.path.partition(".")[0], []).append(field)
        over: dict[str, list[Override]] = {}
        for override in self._facts.overrides:
            over.setdefault(override.path.partition(".")[0], []).append(override)
        shown = list(dict.fromkeys([*named, *by_field, *over]))
        width = max([12, *(len(name) + 2 for name in shown)])
        for name in shown:
            self._screen.line(f"  {name:<{width}}{value_text(name, spec.get(name))}")
            for field in by_field.get(name, ()):
                self._screen.line(f"  {'':<{width}}{self._drift_text(field)}", "change")
            for override in over.get(name, ()):
                self._screen.line(f"  {'':<{width}}{self._override_text(override)}", "change")
        defaults = [_default_text(name) for name in FIELDS if by_default(spec, name)]
        text = f"  {'by default':<{width}}{', '.join(defaults)}"
        for line in wrap(
            text,
            width=min(100, shutil.get_terminal_size().columns),
            subsequent_indent=" " * (width + 2),
            break_on_hyphens=False,
        ):
            self._screen.line(line, "dim")

    def _drift_text(self, field: Merged) -> str:
        before = self._value(field, field.file)
        return f"~ {field.path}: the board says {before}; edited live{self._who(field)}"

    def _who(self, field: Merged) -> str:
        return edited_by(self._view.edits.get(field.path), self._view.now_ms)

    def _override_text(self, override: Override) -> str:
        return (
            f"! {override.path}: the definition says {self._below(override)}; overridden{self._how(override)}"
        )

    def _below(self, override: Override) -> str:
        return MASKED if is_hidden(override.path) else under_text(self._view.definition.spec, override)

    def _how(self, override: Override) -> str:
        return overriding(override, self._view.now_ms, self._facts.zone)

    def _value(self, field: Merged, value: Any) -> str:
        if value is None:
            return "nothing"
        return MASKED if is_hidden(field.path) else shown(field.path, value)

    def _state(self) -> None:
        for line in self._standing():
            self._screen.line(f"  {line}", "change")
        if self._facts.completed:
            self._screen.line("  completed   its schedule has come to its end", "change")

    def _standing(self) -> Iterator[str]:
        """What keeps its next runs from starting, a line each, with the command that ends it."""
        facts = self._facts
        for scope, holds in facts.holds.items():
            for hold in holds:
                yield f"paused      {hold_text(scope, hold, facts.zone)}   {resume_command(scope)}"
        if facts.skip is not None:
            undo = f"jobboard skip-next {facts.job} --clear"
            yield f"skipping    {visible(facts.skip.words)}   {undo}"

    def _next(self) -> None:
        upcoming = self._view.upcoming()
        if not upcoming:
            return
        self._screen.line()
        self._screen.line("  Next windows, from" if "after" in self._view.spec else "  Next")
        for due_ms in upcoming:
            self._screen.line(f"    {local_text(due_ms, self._facts.zone)}")

    def _last(self) -> None:
        waiting = joining(self._facts.job, self._facts.joins)
        records = [*self._facts.live, *waiting, *self._facts.records][:LAST]
        self._screen.line()
        if not records:
            self._screen.line("  It has not run yet.")
            self._screen.line(f"  → jobboard run {self._facts.job}")
            return
        self._screen.line(f"  Last runs ({self._facts.zone})" if self._facts.zone else "  Last runs")
        width = max(16, *(len(state_text(record)) + 1 for record in records))
        for record in records:
            state = self._screen.paint(f"{state_text(record):<{width}}", style_of(record))
            at_ms = record.nominal_ms if record.passed_over else record.started_at_ms or record.seen_at_ms
            at = moment(at_ms, self._facts.zone, self._view.now_ms)
            words = (
                f"{state}{at:<18}{spent(record, self._view.now_ms):<8}{why_text(record, self._view.now_ms)}"
            )
            self._screen.line(f"    {words}".rstrip())
        self._screen.line(f"  → jobboard why {self._facts.job} · jobboard logs {self._facts.job}")


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


def _default_text(name: str) -> str:
    if name == "retries":
        return "no retries"
    if name == "defer":
        return "exit 75 comes back after 1m"
    return f"{name} {shown(name, FIELDS[name].default)}"


def by_default(spec: Spec, name: str) -> bool:
    """Whether a built-in default of a key counts for a job, and says anything."""
    if name in GIVEN and spec["command"].keys().isdisjoint(GIVEN[name]):
        return False
    return name not in spec and FIELDS[name].default not in (None, False) and name != "enabled"
