"""What is known of a job and what surrounds it, at one instant; and what may be said about it.

These are values only. `core.runs.why` turns the first two into the last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median_low
from typing import TYPE_CHECKING, Literal

from jobboard.core.names import ONE_OFF, split_address
from jobboard.core.times.moment import brief_instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from jobboard.core.jobs.model import Spec
    from jobboard.core.jobs.override import Override
    from jobboard.core.runs.record import Record

    Order: TypeAlias = Literal["priority", "strict", "round-robin"]

SEEN_WITHIN_MS = 15_000
"""A scheduler that was seen within this time is alive."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is registered.

    Attributes:
        name: Its id.
        host: Where it runs.
        queues: What it serves.
        slots: How many runs at once.
        held: How many it has.
        lease_until_ms: Until when it is believed to live.
        inboxes: Queues whose inboxes it reads.
        own_slots: Runs at once of single queues, where that is fewer.
        order: Which queue comes first: ``priority`` for the best run of all, ``strict``, ``round-robin``.
        pid, version: Its process, and what program that runs.
        outdated: Whether it has an older format than this program: it passes over the runs that this makes.
        state: ``up``, or ``draining`` once it was told to stop.
        started_at_ms: Since when it is registered.
        held_of: How many it has of single queues, where `own_slots` bounds those and it was asked for.
    """

    name: str
    host: str
    queues: tuple[str, ...]
    slots: int
    held: int
    lease_until_ms: int
    inboxes: tuple[str, ...] = ()
    own_slots: Mapping[str, int] = field(default_factory=dict)
    order: Order = "priority"
    pid: int = 0
    version: str = ""
    outdated: bool = False
    state: str = "up"
    started_at_ms: int | None = None
    held_of: Mapping[str, int] = field(default_factory=dict)

    def alive(self, now_ms: int) -> bool:
        """Whether it is believed to live, and takes the runs that this program makes."""
        return self.lease_until_ms > now_ms and not self.outdated

    def free(self, queue: str) -> bool:
        """Whether it has a slot free for a run of a queue."""
        own = self.own_slots.get(queue, self.slots)
        return self.held < self.slots and self.held_of.get(queue, 0) < own


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause that has not ended.

    Attributes:
        by: Who asked for it.
        at_ms: Since when.
        reason: Why; may be empty.
        until_ms: When it ends by itself; None for never.
    """

    by: str
    at_ms: int
    reason: str = ""
    until_ms: int | None = None

    def covers(self, nominal_ms: int) -> bool:
        """Whether it keeps that nominal from starting."""
        return self.at_ms <= nominal_ms and (self.until_ms is None or nominal_ms < self.until_ms)


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a queue lets nothing go at the moment.

    Attributes:
        scope, hold: A hold on it, and of what scope; None for none.
        limit: How many of it may run at once, where so many do.
        opens_at_ms: When its rate lets the next begin, where that is used up.
    """

    scope: str = ""
    hold: Hold | None = None
    limit: int | None = None
    opens_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What surrounds a job at one instant.

    Attributes:
        now_ms: The store's time.
        schedulers: Scheduler to the instant it was last seen.
        workers: Those registered.
        holders: Lock to the runs that hold it, for the locks that matter here.
        ahead: Queued run to how many of its queue come before it.
        closed: Queue to why it lets nothing go, for those queued runs wait in that do not.
    """

    now_ms: int
    schedulers: Mapping[str, int] = field(default_factory=dict)
    workers: tuple[Worker, ...] = ()
    holders: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    ahead: Mapping[str, int] = field(default_factory=dict)
    closed: Mapping[str, Closed] = field(default_factory=dict)

    @property
    def scheduled(self) -> bool:
        """Whether any scheduler is alive."""
        return any(self.now_ms - seen_ms < SEEN_WITHIN_MS for seen_ms in self.schedulers.values())

    def brief(self, at_ms: int, zone: str | None) -> str:
        """An instant for people, seen from now."""
        return brief_instant(at_ms, zone, self.now_ms)

    def serving(self, queue: str) -> list[Worker]:
        """The workers that serve a queue and are believed to live."""
        return [w for w in self.workers if queue in w.queues and w.alive(self.now_ms)]


@dataclass(frozen=True, slots=True)
class Skip:
    """What somebody asked to be passed over.

    Attributes:
        left: How many runs still.
        by: Who asked.
        reason: Why; may be empty.
        at_ms: When.
    """

    left: int
    by: str
    reason: str
    at_ms: int

    @property
    def words(self) -> str:
        """What is passed over, for whom and why."""
        runs = f"the next {self.left} runs are" if self.left > 1 else "the next run is"
        why = f': "{self.reason}"' if self.reason else ""
        return f"{runs} skipped ({self.by}{why})"


@dataclass(frozen=True, slots=True)
class Join:
    """A nominal for which some parents of a job have ended, and others have not.

    Attributes:
        nominal_ms: Of the parents' runs.
        missing: The parents it still waits for.
    """

    nominal_ms: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that should have happened by now, and has not.

    Attributes:
        kind: ``late`` for a run that is not over in time, ``overdue`` for a job that should have ended ok.
        subject: The run, or the job.
        job: The job.
        since_ms: Since when.
    """

    kind: str
    subject: str
    job: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What is known of a job.

    Attributes:
        job: Which job, as ``board/job``.
        spec: What is in force; None for a job that is gone.
        due_at_ms: When it is due next.
        completed: Whether its schedule has come to its end.
        holds: The holds on it, by scope.
        overrides: What is laid over its definition.
        skip: What is to be passed over of it; None for nothing.
        live: Its runs that are not over.
        joins: Nominals that some of its parents are still to end for, oldest first.
        records: Its newest records, newest first.
        incidents: Those open.
    """

    job: str
    spec: Spec | None
    due_at_ms: int | None = None
    completed: bool = False
    holds: Mapping[str, Sequence[Hold]] = field(default_factory=dict)
    overrides: Sequence[Override] = ()
    skip: Skip | None = None
    live: Sequence[Record] = ()
    joins: Sequence[Join] = ()
    records: Sequence[Record] = ()
    incidents: Sequence[Incident] = ()

    @property
    def one_off(self) -> bool:
        """Whether these are pushed commands, which no job stands behind."""
        return split_address(self.job)[0] == ONE_OFF

    @property
    def zone(self) -> str | None:
        """The zone its schedule is written in; None is UTC."""
        zone: str | None = (self.spec or {}).get("schedule", {}).get("timezone")
        return zone

    @property
    def usual_ms(self) -> int | None:
        """How long it usually takes; None where it never ended well."""
        spans = [r.duration_ms for r in self.records if r.state == "ok" and r.duration_ms is not None]
        return median_low(spans) if spans else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that happened, or stands in the way.

    Attributes:
        at_ms: The nominal it is about; None where it is about the job as a whole.
        state: In a word.
        text: Why, in words.
        command: What shows more, or None.
    """

    at_ms: int | None
    state: str
    text: str
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say.

    Attributes:
        headline: One sentence.
        findings: Oldest first; what stands in the way now comes last.
        outlook: When it goes on, or that it does not.
        advice: The one thing that would help; None where nothing needs to be done.
        command: The next command to type; None where there is none.
        retry: What to type once the cause is mended; None where nothing failed.
    """

    headline: str
    findings: tuple[Finding, ...] = ()
    outlook: str | None = None
    advice: str | None = None
    command: str | None = None
    retry: str | None = None
