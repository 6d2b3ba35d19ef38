"""Waiting runs of jobs that a sync does not change, queued with a definition that is not in force any more.

Those of jobs that do change follow in the same step as all else, see `reconcile.boardwrite`. These wait
since before an earlier sync, a live edit or an override; they are looked for only where somebody asks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from jobboard.core.jobs.override import in_force
from jobboard.core.names import split_address
from jobboard.core.plans.plan import Outdated
from jobboard.store.boards import definitions
from jobboard.store.boards.codec import encode_spec
from jobboard.store.calls import clocks
from jobboard.store.runs import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from jobboard.core.jobs.model import Definition
    from jobboard.core.plans.plan import BoardPlan, Plan
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.waiting import Waiting


def with_outdated(
    store: Store,
    plan: Plan,
    records: Mapping[str, BoardRecord],
    is_chosen: Callable[[str, Definition], bool],
) -> Plan:
    """The plan with the waiting runs that it does not change the job of and that are to follow all the same.

    Args:
        store: Where the runs are.
        plan: Says which boards take part, and which of their jobs stay wholly as they are.
        records: All boards in the store.
        is_chosen: Whether a job takes part.
    """
    runs: dict[str, list[Waiting]] = defaultdict(list)
    for run in waiting.read_waiting(store):
        runs[run.job].append(run)
    now_ms = clocks.now_ms(store)
    found: dict[str, list[Outdated]] = defaultdict(list)
    for source, address, definition in _staying(store, plan, records, runs) if runs else ():
        spec = in_force(definition, now_ms)
        packed = encode_spec(spec)
        old = [run for run in runs[source] if run.spec != packed]
        if old and is_chosen(address, definition):
            revisions = tuple(sorted({run.revision for run in old}))
            found[split_address(address)[0]].append(Outdated(address, len(old), revisions, spec))
    boards = (replace(board, outdated=tuple(found.get(board.name, ()))) for board in plan.boards)
    return replace(plan, boards=tuple(boards))


def renew(store: Store, plan: Plan, by: Mapping[str, Any]) -> int:
    """Give those runs the definition that is in force; how many took it."""
    return sum(waiting.renew(store, job.address, by) for job in plan.outdated)


def _staying(
    store: Store, plan: Plan, records: Mapping[str, BoardRecord], jobs: Iterable[str]
) -> list[tuple[str, str, Definition]]:
    """Those of the jobs that keep what they run: by the address they have now, by the one they will have."""
    boards = {board.name: board for board in plan.boards if _takes_part(board, records)}
    changed = {change.source or change.address: change for change in plan.changes}
    apart = {*changed, *plan.skipped, *(conflict.address for conflict in plan.conflicts)}
    by_board: dict[str, list[str]] = defaultdict(list)
    for address in sorted(set(jobs) - apart):
        by_board[split_address(address)[0]].append(split_address(address)[1])
    found = [
        (source, change.address, change.before)
        for source, change in sorted(changed.items())
        if change.before is not None and change.after is not None and not change.redefines
    ]
    for name in sorted(by_board.keys() & boards.keys()):
        live = definitions.read_some(store, records[name].version, by_board[name])
        found += [(f"{name}/{job}", f"{name}/{job}", definition) for job, definition in live.items()]
    return sorted(found, key=lambda one: one[1])


def _takes_part(board: BoardPlan, records: Mapping[str, BoardRecord]) -> bool:
    return board.name in records and not (board.removed or board.missing or board.held)
