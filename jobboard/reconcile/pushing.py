"""One-off runs as people and programs ask for them: keys as a board has them, made into a run's spec."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.override import in_force
from jobboard.core.jobs.resolve import COMMANDS
from jobboard.core.names import NAME_RULE, ONE_OFF, QUEUE_RULE, address_of, is_name, is_queue
from jobboard.core.times.instant import parse_instant
from jobboard.reconcile.live import read_job, with_keys
from jobboard.store.calls import clocks
from jobboard.store.runs.pushes import Parcel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Spec
    from jobboard.store.calls.connect import Store

SHOWN_PAYLOAD_BYTES = 4096
"""A payload up to this size is in JOBBOARD_PAYLOAD too; any is on standard input."""

LARGEST_PAYLOAD_BYTES = 1 << 20

_OF_A_SCHEDULE = ("schedule", "after", "on", "needs", "overlap", "catchup", "enabled", "protected")
"""Fields that say when a job runs, and so mean nothing for a run that is made now."""


def with_payload(spec: Spec, payload: str | None) -> Spec:
    """A spec whose command reads the payload: on standard input, and where it is small in its environment.

    Raises:
        errors.UsageError: It is larger than `LARGEST_PAYLOAD_BYTES`.
    """
    if payload is None:
        return spec
    size = len(payload.encode("utf-8", "surrogateescape"))
    if size > LARGEST_PAYLOAD_BYTES:
        raise errors.UsageError(
            f"the payload is {size} bytes, and may have {LARGEST_PAYLOAD_BYTES}",
            "put it into a file or a store of its own, and push its name",
        )
    loaded = {**spec, "stdin": payload}
    if size <= SHOWN_PAYLOAD_BYTES and "\0" not in payload:
        # A payload is nobody's to expand: `$${` stands for `${`.
        loaded["env"] = {**spec.get("env", {}), "JOBBOARD_PAYLOAD": payload.replace("${", "$${")}
    return loaded


def one_off(queue: str, keys: Mapping[str, Any], *, name: str | None = None) -> tuple[str, Spec]:
    """Address and spec of a run that no job stands behind.

    Args:
        queue: Where it waits for a worker.
        keys: Its command, and whatever else a job on a board may say of it.
        name: What its runs are kept under; without one, the queue's name.

    Raises:
        errors.UsageError: A name breaks the rules, or a key a board could not hold either.
    """
    if not is_queue(queue):
        raise errors.UsageError(f'"{queue}" is no queue', f"a name is {QUEUE_RULE}")
    if name is not None and not is_name(name):
        raise errors.UsageError(f'"{name}" is no name', f"a name is {NAME_RULE}")
    address = address_of(ONE_OFF, name or queue.removeprefix("@"))
    if not keys.keys() & set(COMMANDS):
        raise errors.UsageError("there is nothing to run", "give a command")
    command = {key: keys[key] for key in COMMANDS if key in keys}
    spec = with_keys({}, {**command, "queue": queue, **keys}, address)
    untimely = [field for field in _OF_A_SCHEDULE if field in spec]
    if untimely:
        raise errors.UsageError(
            f"{untimely[0]} says when a job runs, and a one-off run runs once",
            "jobboard put makes a job that runs again and again",
        )
    return address, spec


def make_parcel(
    store: Store,
    *,
    queue: str | None = None,
    job: str | None = None,
    keys: Mapping[str, Any],
    payload: str | None = None,
    name: str | None = None,
    at: str | None = None,
    expires_at: str | None = None,
    **more: Any,
) -> Parcel:
    """A parcel as `store.runs.pushes.push` takes it.

    Args:
        store: Where the job is looked up.
        queue: The queue of a run that no job stands behind; exactly one of `queue` and `job` is given.
        job: The address of the job it is a run of; `keys` are then set over its definition.
        keys: Keys as a board has them.
        payload: What the command reads on standard input.
        name: As in `one_off`.
        at: The instant before which it does not run, ISO 8601; without a zone it is UTC.
        expires_at: The instant by which it has to be started, the same way.
        **more: Other attributes of `Parcel`.

    Raises:
        errors.UsageError: No such job, or something that a board could not hold either.
    """
    definition = None
    if job is not None:
        definition = read_job(store, job)
        now_ms = clocks.now_ms(store) if definition.overrides else 0
        address, spec = job, with_keys(in_force(definition, now_ms), keys, job)
    else:
        address, spec = one_off(queue or "common", keys, name=name)
    parcel = Parcel(address, with_payload(spec, payload), definition=definition, **more)
    return replace(parcel, due_ms=_instant(at), expires_at_ms=_instant(expires_at))


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_instant(text, None)
    except ValueError as error:
        raise errors.UsageError(str(error)) from error
