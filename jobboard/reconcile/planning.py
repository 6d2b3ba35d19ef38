"""Planning: the boards in the files against the boards in the store. Reads only.

A file whose bytes are those last applied, of a board nobody edited since, is neither parsed nor compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core import depend
from jobboard.core.names import address_of, split_address
from jobboard.core.plan import (
    BoardPlan,
    Plan,
    Refusal,
    empty_refusal,
    plan_jobs,
    protected_refusals,
)
from jobboard.source.git import first_commit
from jobboard.source.loader import load
from jobboard.store import definitions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.diagnostic import Diagnostic
    from jobboard.core.merge import OnConflict
    from jobboard.core.model import Definition, Spec
    from jobboard.source.files import SourceFile
    from jobboard.source.git import Checkout
    from jobboard.source.loader import Board
    from jobboard.store.connect import Store
    from jobboard.store.definitions import BoardRecord


@dataclass(frozen=True, slots=True)
class Sources:
    """What a plan is made from. All paths are relative to the project's root.

    Attributes:
        files: Every board file, read.
        folders: The folders that were asked for as folders: a board whose file has gone from one of these
            is missed; one synced from elsewhere is not ours to miss.
        checkout: Where the files come from, as far as Git knows; None outside Git.
    """

    files: tuple[SourceFile, ...]
    folders: tuple[str, ...]
    checkout: Checkout | None


@dataclass(frozen=True, slots=True)
class Options:
    """The guards a user has lifted."""

    allow_empty: bool = False
    prune_boards: frozenset[str] = frozenset()
    take_ownership: bool = False
    on_conflict: OnConflict = "fail"


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with what it was made from.

    Attributes:
        plan: The plan.
        sources, options: What it was made from; planning again uses the same.
        warnings: What the boards' author may want to know; no error among them.
        boards: The boards that had to be parsed, by name: for positions.
    """

    plan: Plan
    sources: Sources
    options: Options
    warnings: tuple[Diagnostic, ...] = ()
    boards: Mapping[str, Board] = field(default_factory=dict)


def make_plan(store: Store, sources: Sources, options: Options) -> Planned:
    """Compare the boards in the files with the boards in the store. Reads only.

    Raises:
        errors.InvalidBoards: Any file of any board has an error; all of them are listed.
    """
    records = definitions.read_boards(store)
    clean = _unchanged(sources, records)
    loaded = load([file for file in sources.files if file.path not in clean])
    if clean and any(board.name in clean.values() for board in loaded.boards):
        # Another file claims a name that an unread file has: read them all, so that both can be shown.
        clean = {}
        loaded = load(sources.files)
    _refuse_invalid(loaded.diagnostics)

    boards = {board.name: board for board in loaded.boards}
    lives: dict[str, Mapping[str, Definition]] = {}
    plans = [_still(records[name], sources) for name in clean.values()]
    for board in boards.values():
        record = records.get(board.name)
        lives[board.name] = definitions.read_definitions(store, record.version) if record else {}
        plans.append(_plan_board(board, record, lives[board.name], sources, options))
    plans += _vanished(store, sources, options, records, {*boards, *clean.values()})

    plan = Plan(store.namespace, tuple(sorted(plans, key=lambda p: p.name)))
    problems, in_the_way = _check_together(store, plan, boards, lives, records)
    said = set(loaded.diagnostics)
    _refuse_invalid([*loaded.diagnostics, *(problem for problem in problems if problem not in said)])
    if in_the_way:
        first = replace(plan.boards[0], refusals=(*plan.boards[0].refusals, *in_the_way))
        plan = replace(plan, boards=(first, *plan.boards[1:]))
    return Planned(plan, sources, options, loaded.diagnostics, boards)


def _unchanged(sources: Sources, records: Mapping[str, BoardRecord]) -> dict[str, str]:
    """Path to board name of every file that is, byte for byte, what was last applied."""
    by_path = {record.meta.get("path"): record for record in records.values()}
    clean: dict[str, str] = {}
    for file in sources.files:
        record = by_path.get(file.path)
        if (
            record is not None
            and record.meta.get("digest") == file.digest
            and not record.drift
            and _owned(record, sources)
        ):
            clean[file.path] = record.name
    return clean


def _refuse_invalid(diagnostics: Sequence[Diagnostic]) -> None:
    if any(diagnostic.severity == "error" for diagnostic in diagnostics):
        raise errors.InvalidBoards(diagnostics)


def _owned(record: BoardRecord, sources: Sources) -> bool:
    """Whether a board was last synced from where these sources come from.

    A board synced from outside Git belongs to whoever comes next. A repository that has been given a remote
    since is still the same one: its first commit says so.
    """
    then = record.meta.get("origin")
    checkout = sources.checkout
    if then is None or (checkout is not None and then == checkout.origin):
        return True
    return checkout is not None and then == f"root:{first_commit(checkout.root)}"


def _still(record: BoardRecord, sources: Sources) -> BoardPlan:
    """The plan of a board whose file did not change: at most its head commit is noted."""
    meta = {**record.meta, **_provenance(sources)}
    return BoardPlan(
        record.name,
        str(record.meta["path"]),
        record.version,
        jobs=int(record.meta["jobs"]),
        meta=meta,
        recorded=meta != record.meta,
    )


def _provenance(sources: Sources) -> dict[str, Any]:
    checkout = sources.checkout
    if checkout is None:
        return {"commit": None, "branch": None, "origin": None}
    return {"commit": checkout.commit, "branch": checkout.branch, "origin": checkout.origin}


def _plan_board(
    board: Board,
    record: BoardRecord | None,
    live: Mapping[str, Definition],
    sources: Sources,
    options: Options,
) -> BoardPlan:
    changes, drift, conflicts = plan_jobs(board.name, board.jobs, live, options.on_conflict)
    refusals = protected_refusals(changes)
    empty = empty_refusal(board.name, len(live), len(board.jobs))
    if empty is not None and not options.allow_empty:
        refusals.append(empty)
    if record is not None and not _owned(record, sources) and not options.take_ownership:
        refusals.append(_owner_refusal(record))
    meta = {
        **(record.meta if record else {}),
        **_provenance(sources),
        "path": board.path,
        "digest": board.digest,
        "jobs": len(board.jobs),
        "description": board.description,
        "owner": board.owner,
        "locks": {name: n for spec in board.jobs.values() for name, n in spec.get("locks", {}).items()},
        "edges": {job: list(spec["after"]) for job, spec in board.jobs.items() if "after" in spec},
    }
    return BoardPlan(
        board.name,
        board.path,
        record.version if record else None,
        changes,
        drift,
        conflicts,
        tuple(refusals),
        len(board.jobs),
        meta=meta,
        recorded=record is None or meta != record.meta,
    )


def _owner_refusal(record: BoardRecord) -> Refusal:
    return Refusal(
        "owner",
        record.name,
        f"board {record.name} is owned by {record.meta['origin']}",
        "if it has moved here for good, add --take-ownership",
    )


def _vanished(
    store: Store,
    sources: Sources,
    options: Options,
    records: Mapping[str, BoardRecord],
    present: set[str],
) -> list[BoardPlan]:
    """Boards synced from these folders whose file is gone: shown, and removed only when told by name."""
    gone = []
    for record in records.values():
        path = str(record.meta.get("path", ""))
        if record.name in present or not _within(path, sources.folders) or not _owned(record, sources):
            continue
        plan = BoardPlan(record.name, path, record.version, jobs=int(record.meta["jobs"]), meta=record.meta)
        if record.name in options.prune_boards:
            live = definitions.read_definitions(store, record.version)
            changes, _, _ = plan_jobs(record.name, {}, live)
            refused = tuple(protected_refusals(changes))
            gone.append(replace(plan, changes=changes, refusals=refused, removed=True, jobs=0))
        else:
            gone.append(replace(plan, refusals=(_vanished_refusal(record),)))
    return gone


def _within(path: str, folders: Sequence[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _vanished_refusal(record: BoardRecord) -> Refusal:
    jobs = int(record.meta["jobs"])
    return Refusal(
        "vanished",
        record.name,
        f"board {record.name} ({jobs} job{'s' if jobs != 1 else ''}): its file {record.meta['path']} is gone",
        f"put the file back, or destroy the board with --prune-board {record.name}",
    )


def _check_together(
    store: Store,
    plan: Plan,
    boards: Mapping[str, Board],
    lives: Mapping[str, Mapping[str, Definition]],
    records: Mapping[str, BoardRecord],
) -> tuple[list[Diagnostic], list[Refusal]]:
    """What no board shows alone: parents that do not exist, circles, lock capacities that disagree.

    Judged over the *result* of the merge, beside what the store records of boards that take no part. A fault
    of a board at hand has its place in a file; a board that takes no part can only be in the way.
    """
    if not plan.changes:
        return [], []
    specs = _results(plan, boards, lives)
    removed = {board.name for board in plan.boards if board.removed}
    others = [r for r in records.values() if r.name not in boards and r.name not in removed]
    edges = {
        address_of(record.name, job): parents
        for record in others
        for job, parents in record.meta.get("edges", {}).items()
    }
    around: dict[str, Spec] = {address: {"after": parents} for address, parents in edges.items()}
    destroyed = {change.address for change in plan.changes if change.action == "destroy"}
    bereft = [
        (child, parent) for child, parents in edges.items() for parent in parents if parent in destroyed
    ]
    wanted = {parent for spec in specs.values() for parent in spec.get("after", ()) if parent not in specs}
    known = _existing(store, wanted, others) | {parent for parents in edges.values() for parent in parents}
    faults = depend.check_parents({**around, **specs}, known)
    for address, found in depend.check_locks(specs, _capacities(others)).items():
        faults.setdefault(address, []).extend(found)
    diagnostics = [
        boards[split_address(address)[0]].diagnostic(fault, split_address(address)[1])
        for address, found in faults.items()
        if address in specs
        for fault in found
    ]
    return diagnostics, [_bereft_refusal(child, parent) for child, parent in bereft]


def _capacities(records: Sequence[BoardRecord]) -> dict[str, dict[str, int]]:
    """Lock to board to capacity, as boards that take no part have it."""
    found: dict[str, dict[str, int]] = {}
    for record in records:
        for lock, capacity in record.meta.get("locks", {}).items():
            found.setdefault(lock, {})[record.name] = capacity
    return found


def _bereft_refusal(child: str, parent: str) -> Refusal:
    return Refusal(
        "depends",
        parent,
        f"{child} runs after {parent}, which this would destroy",
        f"change {child} first, or in the same sync",
    )


def _results(
    plan: Plan, boards: Mapping[str, Board], lives: Mapping[str, Mapping[str, Definition]]
) -> dict[str, Spec]:
    """The live definition of every job of every planned board as it would be afterwards."""
    specs = {
        address_of(name, job): definition.spec
        for name, live in lives.items()
        for job, definition in live.items()
    }
    for board in plan.boards:
        for change in board.changes:
            if change.after is None:
                specs.pop(change.address, None)
            elif board.name in boards:
                specs[change.address] = change.after
    return specs


def _existing(store: Store, addresses: set[str], records: Sequence[BoardRecord]) -> set[str]:
    """Those of the addresses that are jobs of boards which take no part in the plan."""
    found: set[str] = set()
    for record in records:
        jobs = [job for board, job in map(split_address, sorted(addresses)) if board == record.name]
        if jobs:
            found |= {
                address_of(record.name, job) for job in definitions.read_some(store, record.version, jobs)
            }
    return found
