"""Where jobs come from and go to: what a board says of names that changed, and of jobs it lets go.

``moved`` says that a job had another address; ``removed`` that a job goes on without its board, or that a
board whose file is gone may go. Both are said once and may stay: where the store holds nothing of the old
name any more they mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.core.diagnostic import Fault
from jobboard.core.names import address_of, split_address

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from jobboard.core.diagnostic import Path


@dataclass(frozen=True, slots=True)
class Move:
    """A job that had another address.

    Attributes:
        source, target: Both addresses, in full.
        path: Where the board says so, from its root.
    """

    source: str
    target: str
    path: Path


@dataclass(frozen=True, slots=True)
class Removal:
    """A job that its board lets go, or a board that may go.

    Attributes:
        job: The job's address; None for a board.
        board: The board's name; None for a job.
        destroy: Whether the job is destroyed; one that is not goes on, on no board.
        path: Where the board says so, from its root.
    """

    job: str | None
    board: str | None
    destroy: bool
    path: Path


def read_moves(
    board: str, raw: Sequence[Mapping[str, Any]], jobs: Collection[str]
) -> tuple[tuple[Move, ...], list[Fault]]:
    """What a board says of its jobs' earlier addresses, and what is wrong with that.

    Args:
        board: Its name.
        raw: The value of its key ``moved``, of the right shape.
        jobs: The names of its jobs.
    """
    moves = [
        Move(in_full(board, one["from"]), in_full(board, one["to"]), ("moved", index))
        for index, one in enumerate(raw)
    ]
    sources: dict[str, Move] = {}
    targets: dict[str, Move] = {}
    faults = []
    for move in moves:
        fault = _alone(board, move, jobs) or _beside(move, sources, targets)
        if fault is not None:
            faults.append(fault.under(*move.path))
        sources.setdefault(move.source, move)
        targets.setdefault(move.target, move)
    if not faults:
        faults += _circular(moves, sources)
    for move in moves if not faults else ():
        home, job = split_address(move.target)
        if job not in jobs and move.target not in sources:
            message = f'there is no job "{job}" on board {home} to have moved there'
            faults.append(
                Fault((*move.path, "to"), message, "Write the name it has now, or take the line out")
            )
    return tuple(moves), faults


def read_removals(
    board: str, raw: Sequence[Mapping[str, Any]], jobs: Collection[str], moves: Sequence[Move]
) -> tuple[tuple[Removal, ...], list[Fault]]:
    """What a board says it lets go, and what is wrong with that; see `read_moves`."""
    moved = {move.source for move in moves}
    removals: list[Removal] = []
    faults: list[Fault] = []
    for index, one in enumerate(raw):
        path: Path = ("removed", index)
        job = in_full(board, one["job"]) if "job" in one else None
        removals.append(Removal(job, one.get("board"), one.get("destroy", True), path))
        fault = _of_job(board, job, jobs, moved) if job else _of_board(board, one)
        if fault is not None:
            faults.append(fault.under(*path))
    return tuple(removals), faults


def origins(moves: Sequence[Move]) -> dict[str, tuple[Move, ...]]:
    """Final address to the moves that lead there, the last one first."""
    by_target = {move.target: move for move in moves}
    passed = {move.source for move in moves}
    found: dict[str, tuple[Move, ...]] = {}
    for target, move in by_target.items():
        if target in passed:
            continue
        chain = [move]
        while (before := by_target.get(chain[-1].source)) is not None:
            chain.append(before)
        found[target] = tuple(chain)
    return found


def destinations(moves: Sequence[Move]) -> dict[str, str]:
    """Every earlier address to the one its job has now."""
    return {move.source: target for target, chain in origins(moves).items() for move in chain}


def in_full(board: str, name: str) -> str:
    """The address that a name on a board means."""
    return name if "/" in name else address_of(board, name)


def _alone(board: str, move: Move, jobs: Collection[str]) -> Fault | None:
    home, job = split_address(move.target)
    if home != board:
        return Fault(("to",), f"{move.target} is on another board", f"Say this on board {home}")
    if move.source == move.target:
        return Fault(("to",), f'"{job}" is the name it had', "Take the line out")
    home, job = split_address(move.source)
    if home == board and job in jobs:
        return Fault(("from",), f'"{job}" is still a job of this board', "Take one of the two out")
    return None


def _beside(move: Move, sources: Mapping[str, Move], targets: Mapping[str, Move]) -> Fault | None:
    if move.source in sources:
        return Fault(("from",), f"{move.source} is said to have moved twice", "Take one of the lines out")
    if move.target in targets:
        other = targets[move.target].source
        return Fault(("to",), f"{other} is said to have become {move.target} already", "Take one of them out")
    return None


def _circular(moves: Sequence[Move], sources: Mapping[str, Move]) -> list[Fault]:
    """The first line of each circle of names."""
    faults: list[Fault] = []
    settled: set[str] = set()
    for move in moves:
        way = [move.source]
        while way[-1] in sources and way[-1] not in settled:
            way.append(sources[way[-1]].target)
            if way[-1] == move.source:
                names = " to ".join(way)
                faults.append(Fault((*move.path, "from"), f"names go in a circle: {names}", "Take one out"))
                break
            if way[-1] in way[:-1]:
                break
        settled.update(way)
    return faults


def _of_job(board: str, address: str, jobs: Collection[str], moved: Collection[str]) -> Fault | None:
    home, job = split_address(address)
    if home != board:
        return Fault(("job",), f"{address} is on another board", f"Say this on board {home}")
    if job in jobs:
        return Fault(("job",), f'"{job}" is still a job of this board', "Take it out of jobs, or out of here")
    if address in moved:
        return Fault(("job",), f'"{job}" is said to have moved', "Take one of the two out")
    return None


def _of_board(board: str, one: Mapping[str, Any]) -> Fault | None:
    if one["board"] == board:
        return Fault(("board",), "a board cannot remove itself", "Delete its file, and say this on another")
    if "destroy" in one:
        return Fault(("destroy",), "only a job can go on without its board", "Take this key out")
    return None
