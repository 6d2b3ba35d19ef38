"""A job in full: definition and what is default, origin, drift, holds, next and last runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.cli.commands.show_job_text import JobText, by_default
from jobboard.cli.hiding import MASKED, is_hidden, masked, masked_override
from jobboard.cli.records import (
    drift_json,
    holds_json,
    instant_json,
    joins_json,
    overrides_json,
    record_json,
    skip_json,
)
from jobboard.core.jobs.merge import merge_job
from jobboard.core.jobs.model import FIELDS, seed_of
from jobboard.core.jobs.override import in_force
from jobboard.core.jobs.written import units_of
from jobboard.core.names import split_address
from jobboard.core.times.schedule import compile_schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.cli.screen import Screen
    from jobboard.core.jobs.merge import Merged
    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.runs.facts import JobFacts
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store

UPCOMING = 5


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
        defaults = {
            name: _plain(field.default) for name, field in FIELDS.items() if by_default(self.spec, name)
        }
        return {
            "job": facts.job,
            "spec": masked(self.spec),
            "overrides": overrides_json(map(masked_override, facts.overrides)),
            "defaults": defaults,
            "units": units_of({**defaults, **self.spec}),
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
        JobText(self, screen).write()

    def upcoming(self) -> list[int]:
        """The next instants it is due."""
        schedule = self.spec.get("schedule")
        if schedule is None or self.facts.completed or self.spec.get("enabled") is False:
            return []
        if "delay" in schedule:
            return [] if self.facts.due_at_ms is None else [self.facts.due_at_ms]
        compiled = compile_schedule(schedule, seed_of(self.facts.job, self.definition.spec))
        dues: list[int] = []
        at_ms = compiled.next_after(self.now_ms)
        while at_ms is not None and len(dues) < UPCOMING:
            dues.append(compiled.due(at_ms))
            at_ms = compiled.next_after(at_ms)
        return dues

    def _drift_json(self, field: Merged) -> dict[str, Any]:
        said = drift_json(field, self.edits.get(field.path))
        return {**said, "base": MASKED, "live": MASKED} if is_hidden(field.path) else said


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


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
