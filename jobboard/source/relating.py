"""Jobs looked at together: what their schedules come to, what they say about each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard.core.diagnostic import Fault
from jobboard.core.jobs.advice import lock_order, pile_up
from jobboard.core.jobs.depend import check_joins, check_locks, check_parents, parents_of
from jobboard.core.names import address_of, split_address
from jobboard.core.times.schedule_check import check_schedule, crowded
from jobboard.source.placing import placed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jobboard.core.diagnostic import Diagnostic
    from jobboard.core.jobs.model import Spec
    from jobboard.core.jobs.moves import Move
    from jobboard.source.board import Board, Draft

# More jobs than this on one cron expression draw a warning: they would all start at the same minute.
CROWD = 100


def foresee(draft: Draft, now_ms: int) -> None:
    """Say what the schedules of a board mean that its author may not have meant."""
    board = draft.board
    if board is None:
        return
    schedules = {name: spec["schedule"] for name, spec in board.jobs.items() if "schedule" in spec}
    for name, schedule in schedules.items():
        found = check_schedule(schedule, now_ms, address_of(board.name, name))
        if found:
            # A window's beginning is no instant at which anything starts: where it lies is no worry.
            is_window = "after" in board.jobs[name]
            said = [fault for fault in found if fault.severity == "error" or not is_window]
            draft.say([fault.under("jobs", name) for fault in said])
    starting = {name: value for name, value in schedules.items() if "after" not in board.jobs[name]}
    draft.say([fault.under("jobs") for fault in crowded(starting, CROWD)])


def _with_boards(drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Board]]:
    """The drafts that became a board, each with its board."""
    return ((draft, draft.board) for draft in drafts if draft.board is not None)


def refuse_twins(drafts: Sequence[Draft]) -> None:
    """A board may stand in one file only."""
    first: dict[str, Diagnostic] = {}
    for draft, board in _with_boards(drafts):
        here = placed(draft.shown, board.tree, Fault(("board",), ""))
        other = first.setdefault(board.name, here)
        if other is not here:
            message = f'board "{board.name}" is in two files, first at {other.place}'
            draft.say([Fault(("board",), message, "Give one of them another name, or merge the files")])


def relate(drafts: Sequence[Draft]) -> None:
    """Judge what jobs say about each other."""
    homes: dict[str, Draft] = {}
    specs: dict[str, Spec] = {}
    for draft, board in _with_boards(drafts):
        for name, spec in board.jobs.items():
            address = address_of(board.name, name)
            homes[address], specs[address] = draft, spec
    names = frozenset[str]().union(*(draft.names for draft in drafts))
    gone = _destinations([move for _, board in _with_boards(drafts) for move in board.moves])
    known = names | _elsewhere(specs, drafts)
    judged = [check_parents(specs, known - gone.keys(), gone), check_joins(specs), check_locks(specs)]
    if any("needs" in spec or "after" in spec for spec in specs.values()):
        from jobboard.core.jobs.gate import check_gates

        judged.append(check_gates(specs))
    for faults in judged:
        for address, found in faults.items():
            job = split_address(address)[1]
            homes[address].say([fault.under("jobs", job) for fault in found])
    timed = {address: spec for address, spec in specs.items() if "schedule" in spec and "after" not in spec}
    schedules = {address: spec["schedule"] for address, spec in timed.items()}
    for address, fault in (*lock_order(_listed_locks(drafts)), *pile_up(schedules, CROWD)):
        homes[address].say([fault.under("jobs", split_address(address)[1])])


def _destinations(moves: Sequence[Move]) -> Mapping[str, str]:
    """Old address to new of all jobs that moved."""
    if not moves:
        return {}
    from jobboard.core.jobs.moves import destinations

    return destinations(moves)


def _listed_locks(drafts: Sequence[Draft]) -> Iterator[tuple[str, list[str]]]:
    """The locks of jobs that list more than one, in the order of the file."""
    for _, board in _with_boards(drafts):
        for name in board.jobs:
            raw = board.tree.root["jobs"][board.templates.get(name, name)]
            locks = raw.get("locks")
            if isinstance(locks, list | dict) and len(locks) > 1:
                listed = [str(lock).rpartition(":")[2] for lock in locks]
                yield address_of(board.name, name), listed


def _elsewhere(specs: Mapping[str, Spec], drafts: Sequence[Draft]) -> set[str]:
    """Parents on boards that are not among the files: only the store knows those."""
    here = {board.name for _, board in _with_boards(drafts)}
    parents = {parent for spec in specs.values() for parent in parents_of(spec)}
    return {parent for parent in parents if split_address(parent)[0] not in here}
