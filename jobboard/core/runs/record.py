"""A run as people ask about it, live or finished; and nominals that were decided without a run.

A record is what the store knows at one instant, as one value. Instants are milliseconds since the epoch and
None where it has not come to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.core.names import split_run_id
from jobboard.core.states import LIVE, PASSED_OVER

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt that ended without ending its run.

    Attributes:
        attempt: Its number; a lost, deferred or drained one uses up none, so numbers may repeat.
        state: ``retry``, ``defer``, ``drained`` or ``lost``; of one that had ended its run, which somebody
            then retried, how it ended it.
        again_by, again_reason: Who retried the run after this attempt had ended it, and why.
    """

    attempt: int
    state: str
    worker: str | None = None
    reason: str | None = None
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    exit_code: int | None = None
    signal: str | None = None
    again_by: str | None = None
    again_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Unlocked:
    """A lock that was taken away from a run while it ran: which, by whom, why, and when."""

    lock: str
    by: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Record:
    """One run, or nominals passed over for one reason.

    Attributes:
        job: The job's address.
        state: One of `LIVE`, `ENDED` or `PASSED_OVER` of `core.states`.
        nominal_ms: The nominal; of several passed over, the last.
        run_id: The run; empty where there was none.
        trigger: ``schedule``, ``after`` or ``manual``.
        attempt: Number of the present, next or last try.
        due_at_ms: When it was due; of a delayed run, when it goes back to its queue.
        started_at_ms: When the present or last attempt started.
        reason: Why it is as it is: ``exit 3``, ``overlap: …``; for a run by hand that is live, why it was
            asked for.
        by: Who started it by hand, or who called it off.
        count: How many nominals were passed over, `first_ms` to `nominal_ms`.
        lock: The lock it waits for.
        needs: The runs it waits for.
        waits_until_ms: Until when at most, where it waits for runs of other jobs at its gate.
        locks: The locks it needs, name to capacity; known while it lives.
        late: Whether it was over later than its job's finish_by.
        group: Of failures, if its command named one.
        unlocked: Locks that somebody took away from it.
        tags: What it is marked with: its job's tags when it was made, and those added since.
        tracked: Whether somebody tracks it.
        own_spec: What it ran, packed, where its record keeps that; empty where it was what its job says.
        percent, doing: How far its command says it is, and with what; known while it runs.
    """

    job: str
    state: str
    nominal_ms: int
    run_id: str = ""
    trigger: str | None = None
    attempt: int = 1
    queue: str | None = None
    queued_at_ms: int | None = None
    due_at_ms: int | None = None
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    worker: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None
    by: str | None = None
    revision: int | None = None
    lost: int = 0
    defers: int = 0
    overlapped: bool = False
    late: bool = False
    output_bytes: int = 0
    dropped_bytes: int = 0
    count: int = 1
    first_ms: int | None = None
    lock: str | None = None
    locks: Mapping[str, int] | None = None
    needs: tuple[str, ...] = ()
    waits_until_ms: int | None = None
    tries: tuple[Try, ...] = ()
    group: str | None = None
    percent: int | None = None
    doing: str | None = None
    unlocked: tuple[Unlocked, ...] = ()
    tags: tuple[str, ...] = ()
    tracked: bool = False
    own_spec: bytes = b""

    @property
    def progress(self) -> str:
        """How far it says it is: ``40%, copying``; empty where it says nothing."""
        percent = f"{self.percent}%" if self.percent is not None else ""
        return ", ".join(part for part in (percent, self.doing) if part)

    @property
    def live(self) -> bool:
        """Whether it is a run that is not over."""
        return self.state in LIVE

    @property
    def passed_over(self) -> bool:
        """Whether it is about nominals that did not run."""
        return self.state in PASSED_OVER

    @property
    def bad(self) -> bool:
        """Whether it is a run that is over and did not end well."""
        return self.state in ("failed", "lost")

    @property
    def blocker(self) -> str | None:
        """The run that was in the way of a nominal passed over for overlap; None for any other record."""
        kind, _, rest = (self.reason or "").partition(": ")
        first = rest.partition(" ")[0]
        return first if self.passed_over and kind == "overlap" and "@" in first else None

    @property
    def suffix(self) -> str:
        """What follows the job in the run id: the nominal as text, and for a run by hand its mark."""
        return split_run_id(self.run_id)[1]

    @property
    def duration_ms(self) -> int | None:
        """How long its last attempt took; None while it lives, or if it never started."""
        if self.live or self.started_at_ms is None or self.ended_at_ms is None:
            return None
        return max(0, self.ended_at_ms - self.started_at_ms)

    @property
    def seen_at_ms(self) -> int:
        """The instant it is sorted by: its end, else its making."""
        return self.ended_at_ms or self.queued_at_ms or self.nominal_ms
