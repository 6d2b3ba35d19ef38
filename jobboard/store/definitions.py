"""Boards and their definitions: reading them, and writing them as one sync.

A board is at one *version*, the text ``VERSION.EDITS`` in the ``boards`` HASH: VERSION names an immutable
HASH of definitions, EDITS counts the live edits made to it since. A sync writes new versions under a stage
where nobody looks, then commits: one script swaps every board it names, or none. What follows from that for
the due set is left as durable work, which the sync drains, or after its death anybody else.

Readers fetch a board's version once and read by it; whoever writes afterwards names the version it read,
and is refused if that has moved. This module writes definitions and never a run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.blame import moved_between
from jobboard.core.names import split_address
from jobboard.store.codec import decode_definition, encode_definition
from jobboard.store.connect import explained
from jobboard.store.wire import as_bytes, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jobboard.core.model import Definition
    from jobboard.store.connect import Store

PAGE = 250
"""Definitions in one call: the round trip is small beside it, and the server is busy under a millisecond."""
_POLL_MS = 20
"""How often an edit that is kept waiting asks again: a commit ends the wait before its time."""
KEPT_CHANGES = 200
"""Revisions that are remembered job by job, the newest; of older ones it is known who, when and how many."""


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
    """Every board of the namespace. Uses read commands only."""
    with explained(store.url):
        versions = dict(store.client.hscan_iter(store.key("boards"), count=1000))
        metas = dict(store.client.hscan_iter(store.key("boardmeta"), count=1000)) if versions else {}
        drifts = dict(store.client.hscan_iter(store.key("drift"), count=1000)) if versions else {}
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
    """One board, or None where there is none of that name. Uses read commands only."""
    with explained(store.url), store.client.pipeline(transaction=False) as pipe:
        for key in ("boards", "boardmeta", "drift"):
            pipe.hget(store.key(key), board)
        version, meta, drift = pipe.execute()
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
    """Every job of a board at a version, by name. Uses read commands only, in pages."""
    return {job: decode_definition(raw) for job, raw in _packed_definitions(store, version)}


def read_some(store: Store, version: str, jobs: Sequence[str]) -> dict[str, Definition]:
    """Those of the named jobs that a board has at a version."""
    found: dict[str, Definition] = {}
    key = store.key("defs", defs_of(version))
    for page in _pages(jobs):
        with explained(store.url):
            raws = store.client.hmget(key, page)
        found.update(
            (job, decode_definition(as_bytes(raw)))
            for job, raw in zip(page, raws, strict=True)
            if raw is not None
        )
    return found


def read_packed(store: Store, address: str) -> bytes | None:
    """One job as it is stored, or None where there is no such job. Uses read commands only."""
    board, job = split_address(address)
    with explained(store.url):
        version: Any = store.client.hget(store.key("boards"), board)
        raw: Any = version and store.client.hget(store.key("defs", defs_of(version.decode())), job)
    return as_bytes(raw) if raw is not None else None


def _packed_definitions(store: Store, version: str) -> Iterator[tuple[str, bytes]]:
    key = store.key("defs", defs_of(version))
    with explained(store.url):
        for job, raw in store.client.hscan_iter(key, count=1000):
            yield job.decode(), as_bytes(raw)


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


def number(store: Store) -> int:
    """A number no one else has or will have, for the epoch and generation of a live edit."""
    with explained(store.url):
        return int(store.client.hincrby(store.key("meta"), "seq", 1))


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
    for page in _pages(packed) or [()]:
        flat = [part for pair in page for part in pair]
        _expect_open(
            store.call("stage", stage=stage.id, version=version, put=flat, drop=[], work=[], changes=[])[0]
        )
    for names in _pages(drop):
        _expect_open(
            store.call(
                "stage", stage=stage.id, version=version, put=[], drop=list(names), work=[], changes=[]
            )[0]
        )


def stage_work(store: Store, stage: Stage, version: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what the due set is to become, by address, under a stage; see ``lua/include/apply.lua``."""
    for page in _pages(list(entries.items())):
        flat = [part for address, entry in page for part in (address, pack(dict(entry)))]
        _expect_open(
            store.call("stage", stage=stage.id, version=version, put=[], drop=[], work=flat, changes=[])[0]
        )


def stage_changes(store: Store, stage: Stage, version: str, changes: Mapping[str, bytes]) -> None:
    """Write what the sync does to each job, by address, under a stage; `store.history` reads it."""
    for page in _pages(list(changes.items())):
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
    return all(store.call("record", boards=page)[0] == "OK" for page in _pages(noted))


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
    with explained(store.url):
        return not store.client.exists(store.key("work"))


def drain(store: Store) -> int:
    """Apply everything committed syncs left to do; how many entries that were. Safe for anybody to call."""
    applied = 0
    while True:
        count: int
        _, count, left = store.call("drain", limit=PAGE)
        applied += count
        if not left:
            return applied


def collect(store: Store) -> None:
    """Throw away versions and stages nobody can reach any more, and tombstones beyond their bounds."""
    while store.call("collect")[-1]:
        pass


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
    ask = partial(
        store.call,
        "edit",
        address=address,
        seen=seen,
        definition=encode_definition(definition),
        work=dict(work) if work is not None else False,
        by=dict(by),
        paths=list(paths),
        apart=paths_apart(definition),
        changes=list(changes),
    )
    tag = patiently(ask)
    if tag == "STALE":
        raise MovedSince([address])
    if tag == "GONE":
        raise errors.UsageError(f"there is no job {address} any more")


def patiently(ask: Callable[[], Sequence[Any]]) -> str:
    """What a script answers at last, once no sync keeps edits off."""
    tag, *rest = ask()
    while tag == "WAIT":
        time.sleep(min(rest[0], _POLL_MS) / 1000)
        tag, *rest = ask()
    return str(tag)


def paths_apart(definition: Definition) -> list[str]:
    """The paths in which a job differs from what its file said when last applied."""
    return [field.path for field in moved_between(definition.base, definition.spec)]


def read_edits(store: Store, addresses: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Who edited which path of these jobs live, and when: address, path, then {actor, via, at}."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for page in _pages(addresses):
        with explained(store.url):
            raws = store.client.hmget(store.key("edits"), page)
        found.update((a, unpack(as_bytes(raw)) or {}) for a, raw in zip(page, raws, strict=True) if raw)
    return found


def _pages(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + PAGE] for start in range(0, len(items), PAGE)]
