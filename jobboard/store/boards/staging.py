"""Boards written as one sync: under a stage where nobody looks, then all of them or none.

One script swaps every board that a commit names, or none. What follows from that for the due set is left as
durable work, which the sync drains, or after its death anybody else. Writes definitions and never a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.store.boards.codec import encode_definition
from jobboard.store.boards.definitions import MovedSince, defs_of, pages_of
from jobboard.store.calls.wire import pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Definition
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store

KEPT_CHANGES = 200
"""Revisions that are remembered job by job, the newest; of older ones it is known who, when and how many."""
_SETTLED = 100
"""Jobs whose place in the due set a call of `drain` settles; see `store.runs.runs` for why not more."""


@dataclass(frozen=True, slots=True)
class BoardWrite:
    """One board's part in a commit.

    Attributes:
        name: The board.
        seen: The version the plan was made from; None where there was no such board.
        version: The staged version that takes its place; None where the board goes.
        meta: Its record afterwards.
        drift: Its drifted jobs afterwards.
    """

    name: str
    seen: str | None
    version: str | None
    meta: Mapping[str, Any]
    drift: Sequence[str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a sync writes what nobody sees yet.

    Attributes:
        id: A number unique in the namespace.
        now_ms: The store's time when it was opened.
        revision: The number the sync's revision will have, if no other commits first.
    """

    id: int
    now_ms: int
    revision: int


def begin(store: Store) -> Stage:
    """Open a stage."""
    _, stage, now_ms, revision = store.call("begin")
    return Stage(stage, now_ms, revision)


def stage_version(
    store: Store,
    stage: Stage,
    version: str,
    *,
    source: str | None,
    put: Mapping[str, Definition],
    drop: Sequence[str],
) -> None:
    """Write one board's new version under a stage.

    Args:
        store: Where.
        stage: From `begin`.
        version: The new version's name, unique in the namespace.
        source: The board's present version, whose other jobs are carried over; None for none.
        put: The jobs that are new or changed.
        drop: The jobs that go.
    """
    if source is not None:
        cursor = "0"
        while True:
            tag, *rest = store.call(
                "copy", stage=stage.id, source=defs_of(source), version=version, cursor=cursor
            )
            _expect_open(tag)
            cursor = rest[0]
            if cursor == "0":
                break
    packed = [(job, encode_definition(definition)) for job, definition in put.items()]
    for page in pages_of(packed) or [()]:
        flat = [part for pair in page for part in pair]
        _expect_open(
            store.call("stage", stage=stage.id, version=version, put=flat, drop=[], work=[], changes=[])[0]
        )
    for names in pages_of(drop):
        _expect_open(
            store.call(
                "stage", stage=stage.id, version=version, put=[], drop=list(names), work=[], changes=[]
            )[0]
        )


def stage_work(store: Store, stage: Stage, version: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what the due set is to become, by address, under a stage; see ``lua/include/apply.lua``."""
    for page in pages_of(list(entries.items())):
        flat = [part for address, entry in page for part in (address, pack(dict(entry)))]
        _expect_open(
            store.call("stage", stage=stage.id, version=version, put=[], drop=[], work=flat, changes=[])[0]
        )


def stage_changes(store: Store, stage: Stage, version: str, changes: Mapping[str, bytes]) -> None:
    """Write what the sync does to each job, by address, under a stage; `store.boards.history` reads it."""
    for page in pages_of(list(changes.items())):
        flat = [part for pair in page for part in pair]
        _expect_open(
            store.call("stage", stage=stage.id, version=version, put=[], drop=[], work=[], changes=flat)[0]
        )


def _expect_open(tag: str) -> None:
    if tag == "GONE":
        raise errors.Stale(
            "this sync took so long that its unfinished work was thrown away", "run jobboard sync again"
        )


def commit(
    store: Store,
    stage: Stage,
    boards: Sequence[BoardWrite],
    *,
    revision: Mapping[str, Any],
    by: Mapping[str, Any],
    sync: str | None = None,
) -> tuple[int, int]:
    """Make a stage the truth, for all its boards or none.

    Args:
        store: Where.
        stage: From `begin`.
        boards: What becomes of each.
        revision: What is remembered of it.
        by: Who.
        sync: Whose `keep_quiet` ends with it.

    Returns:
        The revision's number and the store's time in milliseconds.

    Raises:
        MovedSince: A board has moved on; nothing was written.
    """
    changes = [
        [b.name, b.seen or False, b.version or False, pack(dict(b.meta)), list(b.drift)] for b in boards
    ]
    while True:
        tag, *rest = store.call(
            "commit",
            stage=stage.id,
            number=stage.revision,
            boards=changes,
            revision=dict(revision),
            by=dict(by),
            kept=KEPT_CHANGES,
            sync=sync or False,
        )
        if tag == "OK":
            return rest[0], rest[1]
        if tag == "STALE":
            raise MovedSince(rest[0])
        _expect_open(tag)
        drain(store)


def keep_quiet(store: Store, sync: str, *, since_ms: int) -> None:
    """Keep live edits waiting until this sync has committed, or three times as long as a try takes.

    Args:
        store: Where.
        sync: A name for the sync, its own.
        since_ms: When its last try began, by the store's clock.
    """
    store.call("quiet", sync=sync, since=since_ms)


def end_quiet(store: Store, sync: str) -> None:
    """Let live edits go on."""
    store.call("quiet", sync=sync, since=False)


def record(store: Store, boards: Sequence[tuple[str, str, Mapping[str, Any], Sequence[str]]]) -> bool:
    """Note where unchanged boards now come from: (board, version seen, record, drifted jobs).

    False if one has moved on.
    """
    noted = [[name, seen, pack(dict(meta)), list(drift)] for name, seen, meta, drift in boards]
    return all(store.call("record", boards=page)[0] == "OK" for page in pages_of(noted))


def release(
    store: Store, board: BoardRecord, meta: Mapping[str, Any], by: Mapping[str, Any], *, why: str
) -> bool:
    """End the hold that a rollback put on a board; False where it has none, or has moved on.

    Args:
        store: Where.
        board: As it was read.
        meta: Its record afterwards.
        by: Who.
        why: What ended it, for the audit.
    """
    tag, *_ = store.call(
        "release", board=board.name, **{"from": board.version}, meta=pack(dict(meta)), by=dict(by), why=why
    )
    return bool(tag == "OK")


def is_drained(store: Store) -> bool:
    """Whether no committed sync has left anything to do. Uses read commands only."""
    return not store.read(("EXISTS", store.key("work")))[0]


def drain(store: Store) -> int:
    """Apply everything committed syncs left to do; how many entries that were. Safe for anybody to call."""
    applied = 0
    while True:
        count: int
        _, count, left = store.call("drain", limit=_SETTLED)
        applied += count
        if not left:
            return applied


def collect(store: Store) -> None:
    """Throw away versions and stages nobody can reach any more, and tombstones beyond their bounds."""
    while store.call("collect")[-1]:
        pass
