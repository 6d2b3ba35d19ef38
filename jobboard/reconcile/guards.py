"""The guards of a plan: what is refused for safety until a person says by a flag that it is meant.

Ownership, a changed branch, a file that has gone. A guard is judged against what the last sync recorded of
the board; it never looks at jobs. Those that do are in `core.plans.refusal`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from jobboard.core.names import RESERVED
from jobboard.core.plans.plan import BoardPlan
from jobboard.core.plans.refusal import Refusal, protected_refusals
from jobboard.source.git import first_commit
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.plans.plan import Plan
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store


def is_owned(record: BoardRecord, sources: Sources) -> bool:
    """Whether a board was last synced from where these sources come from.

    A board synced from outside Git belongs to whoever comes next. A repository that has been given a remote
    since is still the same one: its first commit says so.
    """
    then = record.meta.get("origin")
    checkout = sources.checkout
    if then is None or (checkout is not None and then == checkout.origin):
        return True
    return checkout is not None and then == f"root:{first_commit(checkout.root)}"


def origin_refusals(record: BoardRecord, sources: Sources, options: Options) -> list[Refusal]:
    """A board of another repository; or of another branch, where that matters."""
    if not is_owned(record, sources) and not options.take_ownership:
        return [
            Refusal(
                "owner",
                record.name,
                f"board {record.name} is owned by {record.meta['origin']}",
                "if it has moved here for good, add --take-ownership",
            )
        ]
    branch = sources.checkout.branch if sources.checkout else None
    then = record.meta.get("branch")
    if options.one_branch and then is not None and then != branch:
        here = f"branch {branch}" if branch else "no branch"
        return [
            Refusal(
                "branch",
                record.name,
                f"board {record.name} was last synced from branch {then}, and this is {here}",
                "if this is to take its place, add --take-over",
            )
        ]
    return []


def with_dirt(plan: Plan, sources: Sources) -> Plan:
    """The plan with a refusal where it would write what no commit holds: others could not find it in one."""
    dirty = sources.checkout is not None and sources.checkout.dirty
    first = next((board for board in plan.boards if board.rewritten), None)
    if not dirty or first is None:
        return plan
    refusal = Refusal(
        "dirty",
        first.name,
        "the boards hold changes that are in no commit, and the store may be shared",
        "commit them first; if that is meant, add --allow-dirty",
    )
    found = replace(first, refusals=(*first.refusals, refusal))
    return replace(plan, boards=tuple(found if board is first else board for board in plan.boards))


def vanished(
    store: Store,
    sources: Sources,
    options: Options,
    records: Iterable[BoardRecord],
    holders: Mapping[str, str],
) -> list[BoardPlan]:
    """Boards synced from these folders whose file is gone: shown, and removed only when told by name.

    One that a rollback holds is passed over, as if its file were there. One whose file now holds another
    board stands in the way of everybody: most likely it is the same under a new name, and every job of it
    would run twice.

    Args:
        store: Where their jobs are.
        sources: Says which folders were asked for, and from which repository.
        options: Which boards are to be pruned, and whether the others stand in the way.
        records: The boards in the store that no file is about.
        holders: The path of every file, and the board that it holds.
    """
    missed = (record for record in records if is_missed(record, sources))
    return [
        _without_file(store, record, options, holders.get(str(record.meta.get("path")))) for record in missed
    ]


def is_missed(record: BoardRecord, sources: Sources) -> bool:
    """Whether a board that no file is about was synced from these folders, so that its file is gone.

    One that a rollback brought back has no path: nobody knows where its file was, and every folder misses it.
    """
    path = str(record.meta.get("path", ""))
    is_ours = _within(path, sources.folders) if path else bool(sources.folders)
    return record.name not in RESERVED and is_ours and is_owned(record, sources)


def _without_file(store: Store, record: BoardRecord, options: Options, holder: str | None) -> BoardPlan:
    jobs = int(record.meta["jobs"])
    path = str(record.meta["path"] or "no file")
    plan = BoardPlan(record.name, path, record.version, jobs=jobs, meta=record.meta)
    if record.name not in options.prune_boards and record.meta.get("held"):
        return replace(plan, held=record.meta["held"])
    if record.name not in options.prune_boards:
        keeps = options.keep_vanished and holder is None
        refusals = () if keeps else (_vanished_refusal(record, jobs, holder),)
        return replace(plan, missing=True, refusals=refusals)
    # Few boards go, and most plans compare no jobs at all.
    from jobboard.core.jobs.policy import Policy
    from jobboard.core.plans.compare import plan_jobs

    live = definitions.read_definitions(store, record.version)
    changes, _, _ = plan_jobs(record.name, {}, live, Policy(on_drift="exact"))
    forgotten = tuple(sorted(set(record.drift) - live.keys()))
    guarded = tuple(protected_refusals(changes))
    return replace(plan, changes=changes, refusals=guarded, removed=True, jobs=0, forgotten=forgotten)


def _within(path: str, folders: Sequence[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _vanished_refusal(record: BoardRecord, jobs: int, holder: str | None) -> Refusal:
    name, path = record.name, record.meta["path"]
    way_out = f"put the file back, or destroy the board with --prune-board {name}"
    if holder is not None:
        why = f"its file {path} holds board {holder} now"
        way_out = (
            f"if {name} is called {holder} now, say so of each job there:"
            f"  moved: [{{from: {name}/JOB, to: JOB}}]  else destroy it with --prune-board {name}"
        )
    elif path:
        why = f"its file {path} is gone"
    else:
        why = "a rollback brought it back, and it has no file"
    return Refusal("vanished", name, f"board {name} ({jobs:,} job{'s' if jobs != 1 else ''}): {why}", way_out)
