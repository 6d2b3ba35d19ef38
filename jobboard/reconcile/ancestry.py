"""The ancestry of a sync: boards go forward along Git's history, never back by accident.

A pipeline that was late, a branch that was not rebased, or an old checkout holds older boards; unguarded,
its sync would take newer ones back. A commit has to descend from the one its boards were last synced from.
Where Git cannot tell, since a shallow clone ends before that commit, the later of two CI runs wins. A board
that says what it said is in nobody's way, and keeps the later commit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobboard.core.plans.refusal import Refusal
from jobboard.reconcile.guards import is_owned
from jobboard.source.git import descends, is_shallow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobboard.core.plans.plan import BoardPlan, Plan
    from jobboard.reconcile.sources import Sources
    from jobboard.store.boards.definitions import BoardRecord

PROVENANCE = ("origin", "commit", "branch", "pipeline")
"""What a board's record says of where its file came from."""


def provenance(sources: Sources, before: Mapping[str, Any]) -> dict[str, Any]:
    """Where the files come from, as a board's record is to say it.

    Args:
        sources: The files.
        before: The record as it is. Of one commit the first run of a CI service is kept, so that a second
            one has nothing to write.
    """
    checkout, pipeline = sources.checkout, sources.pipeline
    if checkout is None:
        return {"commit": None, "branch": None, "origin": None}
    found = {"commit": checkout.commit, "branch": checkout.branch, "origin": checkout.origin}
    if checkout.commit is not None and checkout.commit == before.get("commit"):
        counted = before.get("pipeline")
    else:
        counted = [pipeline.counter, pipeline.number] if pipeline is not None else None
    return {**found, "pipeline": counted} if counted is not None else found


def without_provenance(meta: Mapping[str, Any]) -> dict[str, Any]:
    """A board's record less where its file came from."""
    return {key: value for key, value in meta.items() if key not in PROVENANCE}


def restated(meta: Mapping[str, Any], sources: Sources) -> Mapping[str, Any]:
    """A board's record with where its file comes from now; the very same where that says nothing new."""
    now = provenance(sources, meta)
    if tuple(map(meta.get, PROVENANCE)) == tuple(map(now.get, PROVENANCE)):
        return meta
    return {**without_provenance(meta), **now}


def judged(plan: Plan, records: Mapping[str, BoardRecord], sources: Sources) -> Plan:
    """The plan with a refusal for each commit, of boards that would change, from which ours does not descend.

    Boards that came from another repository are another guard's affair.
    """
    checkout = sources.checkout
    if checkout is None or checkout.commit is None:
        return plan
    obstacles = _obstacles(plan, records, sources)
    still: set[str] = set()
    behind: dict[str, list[str]] = {}
    for board in plan.boards:
        if (why := obstacles.get(board.name)) is not None:
            if _says_what_it_said(board, records[board.name]):
                still.add(board.name)
            else:
                behind.setdefault(why, []).append(board.name)
    refusals = {names[0]: _refusal(names, why) for why, names in behind.items()}
    boards = []
    for board in plan.boards:
        found = board
        if board.name in still:
            found = replace(board, meta=records[board.name].meta, recorded=False)
        elif board.name in refusals:
            found = replace(board, refusals=(*board.refusals, refusals[board.name]))
        boards.append(found)
    return replace(plan, boards=tuple(boards))


def leaves_git(plan: Plan, records: Mapping[str, BoardRecord], sources: Sources) -> str | None:
    """A board that came from a commit and is now read outside Git, where nothing tells old from new."""
    if sources.checkout is not None and sources.checkout.commit is not None:
        return None
    names = (board.name for board in plan.boards if board.name in records)
    return next((name for name in names if records[name].meta.get("commit") is not None), None)


def _obstacles(plan: Plan, records: Mapping[str, BoardRecord], sources: Sources) -> dict[str, str]:
    """By board, why ours may not follow the commit it came from. Each commit is asked of Git once."""
    assert sources.checkout is not None
    commit = sources.checkout.commit
    known: dict[Any, str | None] = {}
    found = {}
    for board in plan.boards:
        record = records.get(board.name)
        if record is None or not _is_of_another_commit(board, record, commit):
            continue
        line = (record.meta.get("origin"), record.meta["commit"], *(record.meta.get("pipeline") or ()))
        if line not in known:
            known[line] = _obstacle(record, sources) if is_owned(record, sources) else None
        if (why := known[line]) is not None:
            found[board.name] = why
    return found


def _says_what_it_said(board: BoardPlan, record: BoardRecord) -> bool:
    if board.rewritten:
        return False
    is_silent = not (board.recorded or board.released)
    return is_silent or without_provenance(board.meta) == without_provenance(record.meta)


def _is_of_another_commit(board: BoardPlan, record: BoardRecord, commit: str | None) -> bool:
    then = record.meta.get("commit")
    return then is not None and then != commit and board.held is None and not board.missing


def _obstacle(record: BoardRecord, sources: Sources) -> str | None:
    """Why ours may not follow the commit a board came from, in words that follow its name; None if it may."""
    checkout = sources.checkout
    assert checkout is not None
    assert checkout.commit is not None
    then: str = record.meta["commit"]
    answer = descends(checkout.root, checkout.commit, then)
    if answer:
        return None
    here = checkout.commit[:7]
    if answer is False:
        return f"last synced from commit {then[:7]}, and {here} does not descend from it"
    counter, number = record.meta.get("pipeline") or (None, 0)
    pipeline = sources.pipeline
    if pipeline is not None and pipeline.counter == counter:
        if pipeline.number >= number:
            return None
        return f"last synced by run {number} of this pipeline, and this is run {pipeline.number}"
    cannot = "this shallow clone" if is_shallow(checkout.root) else "Git"
    return f"last synced from commit {then[:7]}, and {cannot} cannot tell whether {here} descends from it"


def _refusal(names: Iterable[str], why: str) -> Refusal:
    first, *others = names
    whose = f"board {first} was" if not others else f"board {first} and {len(others)} more were"
    if "shallow" in why:
        way_out = "fetch the history (fetch-depth: 0, or git fetch --unshallow), or add --allow-rewind"
    else:
        way_out = "merge or rebase first; if going back is meant, add --allow-rewind"
    return Refusal("rewind", first, f"{whose} {why}", way_out)
