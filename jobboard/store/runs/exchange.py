"""What the run path says to the scripts and hears from them: values, and their form on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from jobboard.store.boards.codec import decode_spec
from jobboard.store.calls.wire import as_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.jobs.model import Spec
    from jobboard.core.runs.run import Firing, Gate, Result


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A due job that is this scheduler's for the claim's lease.

    Attributes:
        address: The job.
        due_ms: When it was due.
        cursor_ms: The greatest nominal decided before; None if none ever was.
        definition: As packed; `store.boards.codec.decode_definition` reads it.
    """

    address: str
    due_ms: int
    cursor_ms: int | None
    definition: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """What `Runs.claim` answers: the store's now, to the microsecond, the jobs, and when to come back.

    That is None for when woken.
    """

    now_ms: float
    entries: list[ClaimedJob]
    next_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Tick:
    """What `Runs.tick` answers: the store's now as `Claimed` has it, delayed runs promoted, workers reaped,
    when to come back, whether a committed sync has left schedule entries that somebody should drain, and some
    of the jobs that have an override which somebody should take off, since it has ended.
    """

    now_ms: float
    promoted: int
    reaped: list[str]
    next_at_ms: int | None
    unsettled: bool
    ended: list[str] = field(default_factory=list)


class Reserved(NamedTuple):
    """A run handed to a worker; a tuple, since it is made tens of thousands of times a second.

    Attributes:
        run_id: The run.
        address: Its job.
        nominal_ms: Its nominal; for a run by hand the instant it was asked for.
        attempt: Number of the try, from 1; what is lost, deferred or drained uses up none.
        token: The fencing token: greater than that of every attempt handed out before.
        spec: The definition as it was when the run was made.
        trigger: ``schedule``, ``after`` or ``manual``.
        lost: How often a worker died under it.
        defers: How often it was deferred.
        queued_at_ms: When it was made.
        due_at_ms: When it was due.
        revision: The revision its definition came with.
        queue: The queue it was taken from.
    """

    run_id: str
    address: str
    nominal_ms: int
    attempt: int
    token: int
    spec: Spec
    trigger: str
    lost: int
    defers: int
    queued_at_ms: int
    due_at_ms: int
    revision: int
    queue: str


@dataclass(frozen=True, slots=True)
class Hello:
    """What a worker is told at registering: the store's now, and which of its runs are no longer its own."""

    now_ms: int
    drop: list[str]


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat answers: whether the worker is still registered, and which runs it is to stop."""

    known: bool
    cancel: list[str]


def packed_firing(firing: Firing) -> list[Any]:
    """A firing as `fire` takes it."""
    return [
        firing.address,
        firing.epoch,
        _or_false(firing.cursor_ms),
        _or_false(firing.next_due_ms),
        _or_false(firing.nominal_ms),
        firing.text,
        _or_false(firing.due_ms),
        list(firing.missed) if firing.missed else False,
        [
            [*one, packed_gate(gate)]
            for one, gate in zip_longest(firing.backlog, firing.gates[: len(firing.backlog)])
        ]
        or False,
        packed_gate(firing.gate),
    ]


def packed_gate(gate: Gate | None) -> Any:
    """A gate as `fire` takes it; False for none."""
    if gate is None:
        return False
    asks = [
        {
            "parent": ask.parent,
            "low": ask.low_ms,
            "high": ask.high_ms,
            "left": ask.left,
            "open": ask.open,
            "on": ask.on,
            "strict": ask.strict or None,
            "timeout": ask.timeout_ms,
            "until": ask.until_ms,
            "policy": ask.policy,
            "shown": ask.shown,
        }
        for ask in gate.asks
    ]
    return {
        "epochs": [list(pair) for pair in gate.epochs],
        "told": [list(pair) for pair in gate.told],
        "asks": [{name: value for name, value in ask.items() if value is not None} for ask in asks],
        "vain": list(gate.vain) if gate.vain else False,
    }


def _or_false(value: int | None) -> int | bool:
    """Lua ends an array at the first nil."""
    return False if value is None else value


def packed_result(result: Result) -> dict[str, Any]:
    """A result as `finish` takes it: what is not known is left out."""
    named = {
        "run": result.run_id,
        "token": result.token,
        "verdict": result.verdict,
        "delay_ms": result.delay_ms,
        "exit": result.exit_code,
        "signal": result.signal,
        "reason": result.reason or None,
        "group": result.group or None,
        "started_ago_ms": result.started_ago_ms,
        "ended_ago_ms": result.ended_ago_ms,
        "output_bytes": result.output_bytes or None,
        "dropped_bytes": result.dropped_bytes or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def read_reserved(entry: Sequence[Any]) -> Reserved:
    """A run as `reserve` hands it out."""
    run_id, address, nominal, attempt, token, spec, *rest = entry
    return Reserved(run_id, address, nominal, attempt, token, decode_spec(as_bytes(spec)), *rest)


def read_claimed(entry: Sequence[Any]) -> ClaimedJob:
    """A job as `claim` hands it out."""
    address, due_ms, cursor_ms, raw = entry
    return ClaimedJob(address, due_ms, None if cursor_ms is False else cursor_ms, as_bytes(raw))
