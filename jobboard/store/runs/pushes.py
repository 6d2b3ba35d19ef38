"""One-off runs: made once, by hand or by a program, with what they are to read, and when.

A one-off run is a run of a job, or one that no job stands behind: its address is then ``push/NAME``, and its
definition exists nowhere but in the run. Its id is the caller's to choose, and is what makes a push safe to
repeat: while the run lives, and for a fortnight after it was due (`core.jobs.bound`). It may have to wait for
an instant, for other runs, or both, and it may expire unstarted. It triggers no dependents. Instants and
spans are milliseconds.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from jobboard import errors
from jobboard.core.names import NAME_RULE, is_name
from jobboard.store.boards.codec import encode_spec, launch_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.store.calls.connect import Store

PAGE = 100
MOST_NEEDS = 100
"""How many runs one may wait for."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A one-off run to make.

    Attributes:
        address: The job it is a run of, or ``push/NAME``.
        spec: What it runs; the payload is its ``stdin``.
        id: What follows the ``@`` of its run id; None for one that nobody else has.
        delay_ms: How long it waits before it goes to its queue.
        due_ms: The instant before which it does not; instead of a delay.
        expires_in_ms: It is skipped if it has not started by then, from now.
        expires_at_ms: The same as an instant.
        after: Run ids; it waits until all of them have ended ok, and is skipped when one ends otherwise.
        replace: Take the place of a run of the same id that has not started.
        definition: The definition it was made from, for a run of a job.
        reason: Why, for the record.
    """

    address: str
    spec: Spec
    id: str | None = None
    delay_ms: int = 0
    due_ms: int | None = None
    expires_in_ms: int | None = None
    expires_at_ms: int | None = None
    after: tuple[str, ...] = ()
    replace: bool = False
    definition: Definition | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a push, or of a start by hand.

    Attributes:
        run_id: The run.
        outcome: ``pushed``, ``replaced``, or ``already``: a run of this id is there or was, and is let be;
            ``started`` by hand.
    """

    run_id: str
    outcome: str


def push(store: Store, parcels: Sequence[Parcel], *, by: str) -> list[Pushed]:
    """Make one-off runs; each is made whole or not at all.

    Raises:
        errors.UsageError: An id is no name, or a run to wait for is not known.
        errors.Refused: The run to be replaced has started, or a run to wait for did not end ok. Parcels
            before it are made.
    """
    made: list[Pushed] = []
    packed = [packed_parcel(parcel, by) for parcel in parcels]
    for start in range(0, len(packed), PAGE):
        page = packed[start : start + PAGE]
        answers = store.call("push", parcels=page)[2]
        for parcel, (tag, about) in zip(page, answers, strict=True):
            if tag not in ("PUSHED", "REPLACED", "ALREADY"):
                _refuse(tag, parcel["id"], about)
            made.append(Pushed(parcel["id"], tag.lower()))
    return made


def depend(store: Store, run_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> str:
    """Change which runs a run waits for, while it has not started; its state afterwards.

    Raises:
        errors.UsageError: A run is not known.
        errors.Refused: It has started, a run to wait for did not end ok, or it would wait for itself.
    """
    tag, *rest = store.call("depend", run=run_id, add=list(add), remove=list(remove))
    if tag != "OK":
        _refuse(tag, run_id, rest[0] if rest else run_id)
    return str(rest[0])


def packed_parcel(parcel: Parcel, by: str) -> dict[str, Any]:
    """A parcel as scripts take it, under an id of its own where it names none.

    Raises:
        errors.UsageError: Its id is no name, or it waits for too many.
    """
    if parcel.id is not None and not is_name(parcel.id):
        raise errors.UsageError(f'"{parcel.id}" is no id for a run', f"an id is {NAME_RULE}")
    if len(parcel.after) > MOST_NEEDS:
        raise errors.UsageError(
            f"a run may wait for at most {MOST_NEEDS} others", "let one run stand for many"
        )
    definition = parcel.definition
    wanted: dict[str, Any] = {
        "id": f"{parcel.address}@{parcel.id or secrets.token_hex(6)}",
        "named": parcel.id is not None or None,
        "mark": secrets.token_hex(6) if parcel.replace else None,
        "address": parcel.address,
        "spec": encode_spec(parcel.spec),
        "launch": launch_of(parcel.spec),
        "epoch": definition.epoch if definition else 0,
        "revision": definition.revision if definition else 0,
        "delay_ms": parcel.delay_ms or None,
        "due": parcel.due_ms,
        "expires_ms": parcel.expires_in_ms,
        "expires": parcel.expires_at_ms,
        "after": list(parcel.after) or None,
        "replace": parcel.replace or None,
        "by": by,
        "reason": parcel.reason,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _refuse(tag: str, run_id: str, about: str) -> NoReturn:
    match tag:
        case "UNKNOWN" | "MISSING":
            raise errors.UsageError(
                f"nothing is known of the run {about}", "jobboard runs lists the runs there are"
            )
        case "ENDED":
            raise errors.Refused(
                f"{about} has ended, and not ok; {run_id} would wait for ever", "leave it out, or retry it"
            )
        case "CROWDED":
            raise errors.Refused(f"500 runs wait for {about} already", "let one run stand for many")
        case "CIRCLE":
            raise errors.Refused(f"{run_id} would wait for itself", "leave out one of the runs")
    raise errors.Refused(f"{run_id} has started", "jobboard cancel stops it")
