"""How things stand as a simulation of what is live begins: who works, what rules queues, what is decided.

Values only; `store.views.standing` reads them. A simulation of files begins with none of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.gate import Ask
    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.facts import Order
    from jobboard.core.runs.record import Record


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers that serve the same, taken together; or slots, as `virtual.room` makes them of a scenario.

    Attributes:
        queues: What they serve, in their order.
        slots: How many runs at once, all of them; None is no limit.
        own_slots: Of single queues, all of them, where that is fewer.
        order: Which queue comes first; ``priority`` for the best run of all.
        workers: Their names.
    """

    queues: tuple[str, ...]
    slots: int | None
    own_slots: Mapping[str, int] = field(default_factory=dict)
    order: Order = "priority"
    workers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueRule:
    """What rules a queue, as `store.runs.queues.Rule` has it.

    Attributes:
        limit: How many runs at once; None for any number.
        rate: How many may begin in a span, and the span in milliseconds.
        aging_ms: How long a run waits before it goes before all that have not.
        used_to_ms: The instant up to which the rate is used up.
    """

    limit: int | None = None
    rate: tuple[int, int] | None = None
    aging_ms: int | None = None
    used_to_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that is not over.

    Attributes:
        spec: What it was made with; None where that is what its job says now.
        rank: Of its place in its queue, what its priority decides; None where its definition says so.
        number: Runs with smaller ones are older; None where they are as old as they were queued long ago.
        needs: The runs it waits for, since somebody or something told it to.
        asks: What it waits for at its gate, and up to when at most.
        due_ms: When it was due; None where its schedule says so.
        expires_ms: When it is to have started.
        deadline_ms: When it is to be over.
        in_line: Whether it waits for others of its job.
        caught_up: Whether that is to make up for what was missed.
        forced: Whether holds do not keep it.
        doomed: What becomes of it instead of starting, and why; None where that is open.
    """

    record: Record
    spec: Spec | None = None
    rank: int | None = None
    number: int | None = None
    needs: Sequence[str] = ()
    asks: Sequence[tuple[Ask, int | None]] = ()
    due_ms: int | None = None
    expires_ms: int | None = None
    deadline_ms: int | None = None
    in_line: bool = False
    caught_up: bool = False
    forced: bool = False
    doomed: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is so already.

    Attributes:
        begun: Runs that are not over.
        cursors: Address to the greatest nominal that was decided.
        outcomes: Address to how its nominals ended, of jobs that others ask about.
        joins: Address to nominals that only some of its parents have ended for, and how those did.
    """

    begun: Sequence[Begun] = ()
    cursors: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    joins: Mapping[str, Mapping[int, Mapping[str, str]]] = field(default_factory=dict)
