"""Boards and their definitions, as they are read.

A board is at one *version*, the text ``VERSION.EDITS`` in the ``boards`` HASH: VERSION names an immutable
HASH of definitions, EDITS counts the live edits made to it since. Readers fetch a board's version once and
read by it; whoever writes afterwards names the version it read, and is refused if that has moved. A sync
writes through `staging`, everything else one job at a time through `edits`. Uses read commands only.

What decodes a definition is imported where one is: a plan that finds nothing to do reads none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.names import split_address
from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Definition
    from jobboard.store.calls.connect import Store

PAGE = 250
"""Definitions in one call: the round trip is small beside it, and the server is busy under a millisecond."""


@dataclass(frozen=True, slots=True)
class BoardRecord:
    """A board as the store knows it, without its jobs.

    Attributes:
        name: The board.
        version: ``VERSION.EDITS``; see the module.
        meta: What the last sync recorded: uid, origin, path, commit, branch, digest, revision, jobs (their
            number), locks (name to capacity), edges (child job to parent addresses), at.
        drift: Jobs whose live definition differs from the file as last applied.
    """

    name: str
    version: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    drift: tuple[str, ...] = ()


class MovedSince(errors.Stale):
    """One or more boards are no longer at the version that was read. `boards` names them."""

    def __init__(self, boards: Sequence[str]) -> None:
        what = ", ".join(boards) or "the revision"
        super().__init__(
            f"{what} changed in Redis since the plan was made; nothing was written",
            "plan again and look at the result: jobboard plan",
        )
        self.boards = tuple(boards)


def read_boards(store: Store) -> dict[str, BoardRecord]:
    """Every board of the namespace."""
    versions, metas, drifts = read_hashes(store, *map(store.key, ("boards", "boardmeta", "drift")))
    return {
        name.decode(): BoardRecord(
            name.decode(),
            version.decode(),
            unpack(metas[name]) if name in metas else {},
            tuple(unpack(drifts[name])) if name in drifts else (),
        )
        for name, version in sorted(versions.items())
    }


def read_board(store: Store, board: str) -> BoardRecord | None:
    """One board, or None where there is none of that name."""
    keys = ("boards", "boardmeta", "drift")
    version, meta, drift = store.read(*(("HGET", store.key(key), board) for key in keys))
    if version is None:
        return None
    return BoardRecord(
        board,
        version.decode(),
        unpack(meta) if meta is not None else {},
        tuple(unpack(drift)) if drift is not None else (),
    )


def defs_of(version: str) -> str:
    """The part of a board's version that names its HASH of definitions."""
    return version.rpartition(".")[0]


def read_definitions(store: Store, version: str) -> dict[str, Definition]:
    """Every job of a board at a version, by name. In pages."""
    from jobboard.store.boards.codec import decode_definition

    (packed,) = read_hashes(store, store.key("defs", defs_of(version)))
    return {job.decode(): decode_definition(raw) for job, raw in packed.items()}


def read_some(store: Store, version: str, jobs: Sequence[str]) -> dict[str, Definition]:
    """Those of the named jobs that a board has at a version."""
    from jobboard.store.boards.codec import decode_definition

    found: dict[str, Definition] = {}
    key = store.key("defs", defs_of(version))
    for page in pages_of(jobs):
        (raws,) = store.read(("HMGET", key, *page))
        found.update(
            (job, decode_definition(raw)) for job, raw in zip(page, raws, strict=True) if raw is not None
        )
    return found


def read_packed(store: Store, address: str) -> bytes | None:
    """One job as it is stored, or None where there is no such job."""
    board, job = split_address(address)
    (version,) = store.read(("HGET", store.key("boards"), board))
    if version is None:
        return None
    raw: bytes | None = store.read(("HGET", store.key("defs", defs_of(version.decode())), job))[0]
    return raw


def pages_of(items: Sequence[Any]) -> list[Sequence[Any]]:
    """As many of the items as go into one call, and again."""
    return [items[start : start + PAGE] for start in range(0, len(items), PAGE)]
