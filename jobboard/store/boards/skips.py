"""Runs to pass over: the next so many that a job's schedule or its parents would make.

A script that would make a run takes one off (`lua/include/skip.lua`), after holds and overlap have had their
say; no sync touches what is left. Runs by hand do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.runs.facts import Skip
from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.calls.connect import Store


def skip_next(store: Store, address: str, count: int, *, by: Mapping[str, Any], reason: str | None) -> int:
    """Have the next `count` runs of a job passed over, 0 for none; how many were left before.

    Raises:
        errors.UsageError: The job is gone.
    """
    tag, *rest = store.call("skip_next", address=address, count=count, by=dict(by), reason=reason or "")
    if tag == "GONE":
        raise errors.UsageError(f"there is no job {address} any more")
    return int(rest[0])


def read_skips(store: Store) -> dict[str, Skip]:
    """What is to be passed over, by job. Uses read commands only."""
    (found,) = read_hashes(store, store.key("skips"))
    return {address.decode(): _skip(unpack(packed)) for address, packed in sorted(found.items())}


def _skip(said: Mapping[str, Any]) -> Skip:
    return Skip(int(said["left"]), str(said["by"]), str(said.get("reason") or ""), int(said["at"]))
