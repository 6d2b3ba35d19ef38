"""What a live run was made with: one value of its hash, where format 1.0 kept a field for each part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.store.calls.connect import Store

NAMES = (
    *("job", "nominal", "queue", "score", "launch", "epoch", "revision", "trigger", "queued_at", "due_at"),
    *("by", "family"),
)
"""The parts, in the order in which `lua/include/made.lua` packs them."""

FIELDS = ("made", *NAMES)
"""What to read of a run's hash for `read_made`."""

_TEXTS = ("job", "queue", "trigger", "by", "family")
_NUMBERS = ("nominal", "score", "epoch", "revision", "queued_at", "due_at")


def decode_made(raw: bytes) -> dict[str, Any]:
    """The parts by name; what a newer version added is ignored."""
    return dict(zip(NAMES, unpack(raw), strict=False))


def read_made(row: Sequence[bytes | None]) -> dict[str, Any] | None:
    """The parts by name, out of the values of `FIELDS`; None where there is no such run."""
    kept = dict(zip(FIELDS, row, strict=True))
    if kept["made"] is not None:
        return decode_made(kept["made"])
    if kept["job"] is None:
        return None
    texts = {name: (kept[name] or b"").decode("utf-8", "surrogateescape") for name in _TEXTS}
    numbers = {name: int(float(kept[name] or 0)) for name in _NUMBERS}
    return {**texts, **numbers, "launch": unpack(kept["launch"] or b"\x80")}


def read_moving(store: Store) -> dict[str, str]:
    """Former to present addresses of jobs that moved, and whose runs are not all told yet.

    To be read before the runs: one that is told meanwhile has the new address itself.
    """
    (moving,) = read_hashes(store, store.key("moving"))
    return {old.decode(): new.decode() for old, new in moving.items()}
