"""Live edits: one job's definition written in place, outside of any sync, and who made which.

A sync that would never get its turn keeps edits off for a moment (`staging.keep_quiet`); they wait for it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.plans.blame import moved_between
from jobboard.store.boards.codec import encode_definition
from jobboard.store.boards.definitions import MovedSince, pages_of
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Definition
    from jobboard.store.calls.connect import Store

_POLL_MS = 20
"""How often an edit that is kept waiting asks again: a commit ends the wait before its time."""


def number(store: Store) -> int:
    """A number no one else has or will have, for the epoch and generation of a live edit."""
    with explained(store.url):
        return int(store.client.hincrby(store.key("meta"), "seq", 1))


def edit(
    store: Store,
    address: str,
    *,
    seen: bytes,
    definition: Definition,
    work: Mapping[str, Any] | None,
    by: Mapping[str, Any],
    paths: Sequence[str],
    changes: Sequence[str],
) -> None:
    """Write one job's definition in place.

    Args:
        store: Where.
        address: Which job.
        seen: As it was read, packed.
        definition: What it is to be; its numbers from `number`.
        work: Its new schedule entry, or None where the schedule stays.
        by: Who, via what.
        paths: The paths that move; each remembers who moved it last, and when.
        changes: What moved, in words, for the audit.

    Waits while a sync keeps edits off.

    Raises:
        MovedSince: Somebody wrote the job in the meantime.
        errors.UsageError: The job is gone.
    """
    write(
        store,
        "edit",
        address,
        seen=seen,
        definition=encode_definition(definition),
        work=dict(work) if work is not None else False,
        by=dict(by),
        paths=list(paths),
        apart=paths_apart(definition),
        changes=list(changes),
    )


def write(store: Store, script: str, address: str, **arguments: Any) -> None:
    """Write one job by a script that answers OK, STALE, GONE, or WAIT while a sync keeps edits off.

    Raises:
        MovedSince: Somebody wrote in the meantime.
        errors.UsageError: The job is gone.
    """
    tag = patiently(store, script, address=address, **arguments)
    if tag == "STALE":
        raise MovedSince([address])
    if tag == "GONE":
        raise errors.UsageError(f"there is no job {address} any more")


def patiently(store: Store, script: str, **arguments: Any) -> str:
    """What a script answers at last, once no sync keeps edits off."""
    tag, *rest = store.call(script, **arguments)
    while tag == "WAIT":
        time.sleep(min(rest[0], _POLL_MS) / 1000)
        tag, *rest = store.call(script, **arguments)
    return str(tag)


def paths_apart(definition: Definition) -> list[str]:
    """The paths in which a job differs from what its file said when last applied."""
    return [field.path for field in moved_between(definition.base, definition.spec)]


def read_edits(store: Store, addresses: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Who edited which path of these jobs live, and when: address, path, then {actor, via, at}."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for page in pages_of(addresses):
        (raws,) = store.read(("HMGET", store.key("edits"), *page))
        found.update((a, unpack(raw) or {}) for a, raw in zip(page, raws, strict=True) if raw)
    return found
