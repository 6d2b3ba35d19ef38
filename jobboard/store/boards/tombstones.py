"""What stays of jobs that are gone: enough to bring them back, and to say who removed them and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A job that is gone.

    Attributes:
        spec: Its definition when it went.
        base: What was applied last, for a job that was removed by hand: its board may still declare it.
            None for one that a sync destroyed.
        by: Who removed it, via what, why.
        at_ms: When.
        commit: The commit whose sync did; None for none.
    """

    spec: Spec
    base: Spec | None
    by: Mapping[str, Any]
    at_ms: int
    commit: str | None


def encode(
    definition: Definition,
    by: Mapping[str, Any],
    at_ms: int,
    *,
    commit: str | None = None,
    by_hand: bool = False,
) -> bytes:
    """The tombstone of a job.

    Args:
        definition: As it was.
        by: Who, via what, why.
        at_ms: When.
        commit: Whose sync it was.
        by_hand: Whether it was none.
    """
    return _encoded(Tombstone(definition.spec, definition.base if by_hand else None, by, at_ms, commit))


def read(store: Store, address: str) -> Tombstone | None:
    """The tombstone of a job; None for a job that is there, or was never removed. Uses read commands only."""
    (raw,) = store.read(("HGET", store.key("tombstones"), address))
    return _decoded(raw) if raw is not None else None


def read_bases(store: Store, addresses: Sequence[str]) -> dict[str, Spec | None]:
    """What was applied last of jobs that were removed by hand, by address; None where that is not known.

    Uses read commands only.
    """
    if not addresses:
        return {}
    (raws,) = store.read(("HMGET", store.key("tombstones"), *addresses))
    return {
        address: None if raw is None else _decoded(raw).base
        for address, raw in zip(addresses, raws, strict=True)
    }


def rebased(stone: Tombstone, base: Spec) -> bytes:
    """The tombstone of a job that stays away although its file has said something else since."""
    return _encoded(replace(stone, base=base))


def read_all(store: Store) -> dict[str, Tombstone]:
    """Every job that can be brought back, by address. Uses read commands only, in pages."""
    (found,) = read_hashes(store, store.key("tombstones"))
    return {address.decode(): _decoded(raw) for address, raw in sorted(found.items())}


def _encoded(stone: Tombstone) -> bytes:
    return pack(
        {
            "spec": dict(stone.spec),
            "base": dict(stone.base) if stone.base is not None else None,
            "by": dict(stone.by),
            "at": stone.at_ms,
            "commit": stone.commit,
        }
    )


def _decoded(raw: bytes) -> Tombstone:
    packed = unpack(raw)
    return Tombstone(
        spec=packed["spec"],
        base=packed.get("base"),
        by=packed["by"],
        at_ms=int(packed["at"]),
        commit=packed.get("commit"),
    )
