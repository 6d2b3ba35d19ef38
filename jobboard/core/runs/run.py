"""What a run is: its states, what moves it from one to the next, and what an attempt's end reports.

A **run** is one nominal of a job on its way from fired to finished; an **attempt** is one process started for
it. `TRANSITIONS` is the whole life of a run as data: every pair of state and event that is in it moves the
run, every other pair leaves it as it is. The store's scripts are held to this table by
`tests/integration/test_transitions.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

State: TypeAlias = Literal[
    "absent", "blocked", "queued", "delayed", "waiting", "running", "stopping", "finished"
]
"""``absent`` before it is made, ``finished`` once only its record is left."""

Event: TypeAlias = Literal[
    "fire",  # a scheduler, a parent or a person makes it
    "fire at a gate",  # a scheduler makes it, and it has to wait for runs of other jobs
    "fire in line",  # a scheduler makes it, and it has to wait for an unfinished run of its job
    "turn comes",  # that run is over
    "replace",  # a person pushes another under its id, in its place
    "supersede",  # a newer run of its job takes its place, as the job's overlap says
    "put off",  # a person lets it wait for an instant
    "bring forward",  # a person lets it wait no longer
    "prune",  # its job goes, and it with it
    "gate opens",  # the last of those has ended as asked
    "gate shuts",  # it has waited as long as it was to, or in vain
    "reserve",  # a worker asks, and all its locks are free
    "reserve without lock",  # a worker asks, and a lock is held by others
    "reserve under hold",  # a worker asks, and its job is held
    "release",  # the lock it waits for gets room
    "promote",  # its delay is over
    "depend",  # a person lets it wait for another run
    "need met",  # the run it waits for ended ok
    "need failed",  # the run it waits for ended otherwise
    "expire",  # the instant by which it had to be started is past
    "give back",  # its worker never started it
    "ok",  # its worker reports the attempt's end: with success
    "failed",  # with a failure that stands
    "retry",  # with one that is tried again
    "defer",  # asking to come back later
    "drop",  # the same, and its job lets such runs go
    "cancelled",  # stopped, as told
    "drained",  # stopped, because the worker was told to stop
    "lost",  # its worker is gone
    "cancel",  # a person calls it off
    "again",  # a person has what did not end well run again
    "destroy",  # a person has all that is known of it removed
]

EndState: TypeAlias = Literal["ok", "failed", "cancelled", "lost", "skipped"]
Word: TypeAlias = Literal["ok", "failed", "retry", "defer", "drop", "cancelled", "lost", "drained"]
"""What an attempt's end means for its run."""

TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        ("absent", "fire"): "queued",
        ("absent", "fire at a gate"): "blocked",
        ("absent", "fire in line"): "blocked",
        ("blocked", "turn comes"): "queued",
        ("absent", "replace"): "queued",
        ("blocked", "replace"): "queued",
        ("waiting", "replace"): "queued",
        ("delayed", "replace"): "queued",
        ("finished", "replace"): "queued",
        # What never started leaves no run behind: its nominal is on record as passed over.
        ("blocked", "supersede"): "absent",
        ("queued", "supersede"): "absent",
        ("waiting", "supersede"): "absent",
        ("delayed", "supersede"): "finished",
        ("running", "supersede"): "stopping",
        ("queued", "put off"): "delayed",
        ("waiting", "put off"): "delayed",
        ("waiting", "bring forward"): "queued",
        ("delayed", "bring forward"): "queued",
        ("blocked", "prune"): "finished",
        ("queued", "prune"): "finished",
        ("waiting", "prune"): "finished",
        ("delayed", "prune"): "finished",
        ("blocked", "gate opens"): "queued",
        ("blocked", "gate shuts"): "finished",
        ("queued", "reserve"): "running",
        ("queued", "reserve without lock"): "waiting",
        ("queued", "reserve under hold"): "delayed",
        ("queued", "cancel"): "finished",
        ("waiting", "release"): "queued",
        ("waiting", "cancel"): "finished",
        ("delayed", "promote"): "queued",
        ("delayed", "cancel"): "finished",
        ("queued", "depend"): "blocked",
        ("waiting", "depend"): "blocked",
        ("delayed", "depend"): "blocked",
        ("blocked", "need met"): "queued",
        ("blocked", "need failed"): "delayed",
        ("blocked", "cancel"): "finished",
        ("blocked", "expire"): "finished",
        ("queued", "expire"): "finished",
        ("waiting", "expire"): "finished",
        ("delayed", "expire"): "finished",
        ("running", "give back"): "queued",
        ("running", "ok"): "finished",
        ("running", "failed"): "finished",
        ("running", "retry"): "delayed",
        ("running", "defer"): "delayed",
        ("running", "drop"): "finished",
        ("running", "cancelled"): "finished",
        ("running", "drained"): "queued",
        ("running", "lost"): "queued",
        ("running", "cancel"): "stopping",
        ("stopping", "give back"): "finished",
        ("stopping", "ok"): "finished",
        ("stopping", "failed"): "finished",
        ("stopping", "retry"): "finished",
        ("stopping", "defer"): "finished",
        ("stopping", "drop"): "finished",
        ("stopping", "cancelled"): "finished",
        ("stopping", "drained"): "finished",
        ("stopping", "lost"): "finished",
        ("finished", "again"): "queued",
        ("blocked", "destroy"): "absent",
        ("queued", "destroy"): "absent",
        ("waiting", "destroy"): "absent",
        ("delayed", "destroy"): "absent",
        ("finished", "destroy"): "absent",
    }
)

MAX_LOST = 3
"""A run whose workers died this often is not tried again, whatever its job says."""


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended, as its worker reports it.

    Attributes:
        run_id: The run.
        token: The fencing token the attempt was handed out with.
        verdict: What it means for the run; `core.runs.retry.judge` says.
        delay_ms: How long a ``retry`` or ``defer`` waits; 0 is at once.
        exit_code: Of the process, if it had one.
        signal: Name of the signal that ended it, like ``SIGKILL``.
        reason: In words; empty for success.
        started_ago_ms: How long ago it started; None if it never did.
        ended_ago_ms: How long ago it ended.
        output_bytes: What it wrote.
        dropped_bytes: What of that was not kept.
        group: Of failures, if the command named one.
    """

    run_id: str
    token: int
    verdict: Word
    delay_ms: int = 0
    exit_code: int | None = None
    signal: str | None = None
    reason: str = ""
    started_ago_ms: int | None = None
    ended_ago_ms: int = 0
    output_bytes: int = 0
    dropped_bytes: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class GateAsk:
    """What a run waits for of one job.

    Attributes:
        parent: The job.
        low_ms: Of its nominals after this one
        high_ms: and up to this one,
        left: so many more have to end as asked;
        open: so many still can.
        on: How they have to end; None is success.
        strict: Whether any other end decides at once.
        timeout_ms: How long the run waits.
        until_ms: Or up to when; None for neither is without end.
        policy: What becomes of it then: ``skip``, ``run`` or ``fail``.
        shown: What it waits for, for people.
    """

    parent: str
    low_ms: int
    high_ms: int
    left: int
    open: int
    on: str | None
    strict: bool
    timeout_ms: int | None
    until_ms: int | None
    policy: str
    shown: str


@dataclass(frozen=True, slots=True)
class Gate:
    """What a scheduled run waits for, and what that was worked out from.

    Attributes:
        epochs: Jobs and the epochs of their definitions.
        told: Jobs, and how many of their outcomes were known.
        asks: What is still to come.
        vain: Where it is certain that something asked for does not come: ``skip`` or ``fail``, and why.
    """

    epochs: tuple[tuple[str, int], ...]
    told: tuple[tuple[str, int], ...]
    asks: tuple[GateAsk, ...] = ()
    vain: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """What a scheduler decided for one claimed job.

    Attributes:
        address: The job.
        epoch: Of the definition it computed with.
        cursor_ms: The greatest nominal decided once this is carried out; None leaves it.
        next_due_ms: When to look at the job again; None for never.
        nominal_ms: The nominal to run; None for none now.
        text: That nominal as run ids show it.
        due_ms: When that nominal was due, jitter included.
        missed: Count, first and last of the nominals that were missed before it, and why they do not run.
        backlog: Missed nominals that run before it, one after another, oldest first: each with its text and
            its due instant.
        gate: What the run of the nominal waits for, if its job waits for others.
        gates: The same for each of the backlog.
    """

    address: str
    epoch: int
    cursor_ms: int | None
    next_due_ms: int | None
    nominal_ms: int | None = None
    text: str = ""
    due_ms: int | None = None
    missed: tuple[int, int, int, str] | None = None
    backlog: tuple[tuple[int, str, int], ...] = ()
    gate: Gate | None = None
    gates: tuple[Gate, ...] = ()
