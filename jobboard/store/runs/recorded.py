"""The packed records of what is over, as values; what a newer version added is ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.runs.record import Record, Try, Unlocked
from jobboard.store.boards.codec import decode_spec
from jobboard.store.calls.wire import as_bytes, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Spec


def decode_record(raw: bytes) -> Record:
    """A packed record as one value; what a newer version added is ignored."""
    packed = unpack(raw)
    return Record(
        job=packed["job"],
        state=packed["state"],
        nominal_ms=packed["nominal"],
        run_id=packed.get("id") or "",
        trigger=packed.get("trigger"),
        attempt=packed.get("attempt") or 1,
        queued_at_ms=packed.get("queued_at"),
        due_at_ms=packed.get("due_at"),
        started_at_ms=packed.get("started_at"),
        ended_at_ms=packed.get("ended_at"),
        worker=packed.get("worker"),
        exit_code=packed.get("exit"),
        signal=packed.get("signal"),
        reason=packed.get("reason") or None,
        by=packed.get("by"),
        revision=packed.get("revision"),
        lost=packed.get("lost") or 0,
        defers=packed.get("defers") or 0,
        overlapped=bool(packed.get("overlapped")),
        late=bool(packed.get("late")),
        output_bytes=packed.get("output_bytes") or 0,
        dropped_bytes=packed.get("dropped_bytes") or 0,
        group=packed.get("group"),
        queue=packed.get("queue"),
        tags=tuple(packed.get("tags") or ()),
        own_spec=as_bytes(packed.get("spec") or b""),
        count=packed.get("count") or 1,
        first_ms=packed.get("first"),
        tries=tries_of(packed.get("tries")),
        unlocked=unlocked_of(packed.get("unlocked")),
    )


def own_spec(record: Record) -> Spec | None:
    """What a run that is over ran, where its record keeps that; None where its job says it."""
    return decode_spec(record.own_spec) if record.own_spec else None


def tries_of(packed: Sequence[Mapping[str, Any]] | None) -> tuple[Try, ...]:
    """The attempts that ended before."""
    return tuple(
        Try(
            attempt=one.get("attempt") or 1,
            state=one["state"],
            worker=one.get("worker"),
            reason=one.get("reason") or None,
            started_at_ms=one.get("started_at"),
            ended_at_ms=one.get("ended_at"),
            exit_code=one.get("exit"),
            signal=one.get("signal"),
            again_by=(one.get("again") or {}).get("by"),
            again_reason=(one.get("again") or {}).get("reason") or None,
        )
        for one in packed or ()
    )


def unlocked_of(packed: Sequence[Mapping[str, Any]] | None) -> tuple[Unlocked, ...]:
    """The locks that were taken away."""
    return tuple(Unlocked(one["lock"], one["by"], one.get("reason") or "", one["at"]) for one in packed or ())
