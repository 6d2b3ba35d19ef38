"""One board of a plan written under a stage, where nobody sees it until the commit."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.depend import parents_of
from jobboard.core.jobs.model import FIELDS, Definition
from jobboard.core.names import address_of, split_address
from jobboard.reconcile.entries import schedule_entry
from jobboard.store.boards import edits, history, staging, tombstones
from jobboard.store.boards.staging import BoardWrite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.plan import BoardPlan
    from jobboard.store.calls.connect import Store


def stage_board(
    store: Store,
    stage: staging.Stage,
    version: str,
    board: BoardPlan,
    by: Mapping[str, Any],
    *,
    moved: Mapping[str, str],
) -> BoardWrite:
    """Write a board's new version, what follows for its jobs, and what is remembered; its part of the commit.

    Args:
        store: Where.
        stage: Under which.
        version: The new version's name.
        board: What becomes of it.
        by: Who, via what, from which host, why.
        moved: The new addresses of all jobs that get one, by those they had.
    """
    put = {
        split_address(change.address)[1]: _definition(change, stage)
        for change in board.changes
        if change.after is not None
    }
    staging.stage_work(store, stage, version, _work(store, stage, board, by, moved=moved))
    remembered = {
        change.address: history.encode_change(
            change.action, change.before, put.get(split_address(change.address)[1]), change.source
        )
        for change in board.changes
    }
    staging.stage_changes(store, stage, version, remembered)
    if board.removed:
        return BoardWrite(board.name, board.version, None, {}, ())
    drop = [*(split_address(c.address)[1] for c in board.changes if c.after is None), *board.left]
    staging.stage_version(store, stage, version, source=board.version, put=put, drop=drop)
    meta = {"uid": secrets.token_hex(8), **board.meta, "revision": stage.revision, "at": stage.now_ms}
    return BoardWrite(board.name, board.version, version, meta, board.drifted)


def _work(
    store: Store,
    stage: staging.Stage,
    board: BoardPlan,
    by: Mapping[str, Any],
    *,
    moved: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """What is left to do for each job once the commit has been made; see ``lua/include/apply.lua``."""
    entries: dict[str, dict[str, Any]] = {}
    for change in board.changes:
        if change.away is not None:
            entries[change.address] = _staying_away(store, change)
        elif (entry := _entry(stage, board, change, by, moved=moved)) is not None:
            entries[change.address] = entry
        if change.source is not None and change.before is not None:
            entries[change.source] = {"to": change.address, "before": parents_of(change.before.spec)}
    for job in board.forgotten:
        address = address_of(board.name, job)
        entries[address] = {**entries.get(address, {}), "apart": []}
    return entries


def _entry(
    stage: staging.Stage,
    board: BoardPlan,
    change: JobChange,
    by: Mapping[str, Any],
    *,
    moved: Mapping[str, str],
) -> dict[str, Any] | None:
    entry = schedule_entry(change, stage.now_ms)
    if change.after is None and change.before is not None and entry is not None:
        commit = board.meta.get("commit")
        entry["gone"] = tombstones.encode(change.before, by, stage.now_ms, commit=commit)
        if board.stopping:
            entry["stop"] = str(by.get("actor"))
    elif change.before is not None and change.before.drifted:
        # Who edited it live is forgotten with the edit, in the same step as all else that follows.
        entry = {**(entry or {}), "apart": edits.paths_apart(_definition(change, stage))}
    renamed = {parent: moved[parent] for parent in parents_of(change.ran or {}) if parent in moved}
    if renamed and change.after is not None:
        entry = {**(entry or {}), "renamed": renamed}
    if board.requeue and change.redefines:
        entry = {**(entry or {}), "renew": "0"}
    return entry


def _staying_away(store: Store, change: JobChange) -> dict[str, Any]:
    """The work of a job that stays removed: nothing but what its file says is to be remembered."""
    stone = tombstones.read(store, change.address)
    if stone is None:
        # Somebody brought it back, and so the board has moved on: the commit will say so.
        return {}
    return {"stone": tombstones.rebased(stone, change.base or {})}


def _definition(change: JobChange, stage: staging.Stage) -> Definition:
    assert change.after is not None
    assert change.base is not None
    before = change.before
    if before is None:
        return Definition(stage.id, stage.id, stage.revision, change.after, change.base)
    names = {
        name for name in {**before.spec, **change.after} if before.spec.get(name) != change.after.get(name)
    }
    moves = change.source is not None or any(name not in FIELDS or FIELDS[name].moves for name in names)
    return Definition(
        stage.id if moves else before.epoch,
        stage.id if names or change.source is not None else before.generation,
        stage.revision,
        change.after,
        change.base,
        before.overrides,
    )
