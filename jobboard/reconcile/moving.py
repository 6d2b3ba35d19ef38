"""Jobs that get another address: what boards say of that, against what the store holds.

Worked out before boards are compared: the job then counts as a job of the address it will have, and every
other rule (drift, conflicts, protection, the guards) holds for it as for any other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.diagnostic import Fault
from jobboard.core.jobs.moves import origins
from jobboard.core.names import LOOSE, address_of, split_address
from jobboard.core.plans.arrival import Arrival
from jobboard.core.plans.refusal import Refusal
from jobboard.core.times.schedule import is_seeded
from jobboard.reconcile import guards
from jobboard.reconcile.traffic import Traffic
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jobboard.core.diagnostic import Diagnostic, Path
    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.jobs.moves import Move, Removal
    from jobboard.reconcile.sources import Options, Sources
    from jobboard.source.board import Board
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store


class Crossing:
    """Works out the traffic of one plan.

    Args:
        store: Where jobs are looked up.
        boards: The boards that were parsed, by name.
        lives: Their jobs in the store.
        records: Every board in the store.
        leaving: Boards that take part without a file: only jobs of those, of the parsed ones and of none
            can be moved.
        held: Boards whose files have no say: no job of theirs is moved, and none to them.
    """

    def __init__(
        self,
        store: Store,
        boards: Mapping[str, Board],
        lives: Mapping[str, Mapping[str, Definition]],
        records: Mapping[str, BoardRecord],
        leaving: Collection[str],
        *,
        held: Collection[str] = (),
    ) -> None:
        self._store = store
        self._boards = boards
        self._lives = dict(lives)
        self._records = records
        self._held = held
        self._part = {*boards, *leaving, LOOSE}.difference(held)
        self._faults: list[Diagnostic] = []
        self._comings: dict[str, dict[str, Arrival]] = {}
        self._goings: dict[str, set[str]] = {}
        self._refusals: dict[str, list[Refusal]] = {}

    def traffic(self, sources: Sources, options: Options) -> Traffic:
        """What comes and goes.

        Raises:
            errors.InvalidBoards: A job would get the address of another one.
        """
        if options.adopted:
            self._adopt(options.adopted)
        else:
            self._follow(sources, options)
        return Traffic(self._comings, self._goings, self._refusals)

    def _follow(self, sources: Sources, options: Options) -> None:
        for board in self._boards.values():
            for target, chain in origins(board.moves).items():
                if board.name in self._held:
                    self._await_release(board, chain)
                else:
                    self._move(board, target, chain, sources, options)
            if board.name in self._held:
                continue
            for removal in board.removals:
                if removal.job is not None and not removal.destroy:
                    self._forget(board, removal.job, removal)
        if self._faults:
            raise errors.InvalidBoards(self._faults)

    def _await_release(self, board: Board, chain: tuple[Move, ...]) -> None:
        """Refuse a move to a board whose file has no say: the job would leave the one, and come to none."""
        for move in chain:
            home, job = split_address(move.source)
            declared = home in self._boards and job in self._boards[home].jobs
            if home in self._part and home != LOOSE and job in self._live(home) and not declared:
                self._refuse(board, _waits(move.source, board.name))

    def _move(
        self, board: Board, target: str, chain: tuple[Move, ...], sources: Sources, options: Options
    ) -> None:
        name = split_address(target)[1]
        for move in chain:
            home, job = split_address(move.source)
            before = self._live(home).get(job)
            declared = home in self._boards and job in self._boards[home].jobs
            if before is None or (declared and name in self._live(board.name)):
                continue
            if home in self._held:
                self._refuse(board, _waits(move.source, home))
            elif declared or home not in self._part:
                self._refuse(board, _stays(move.source, home, declared=declared))
            elif name in self._live(board.name):
                self._clash(board, move.source, target, (*move.path, "to"))
            elif home in self._records and home != LOOSE:
                for refusal in guards.origin_refusals(self._records[home], sources, options):
                    self._refuse(board, refusal)
            if home in self._part and not declared:
                self._carry(move.source, target, before, board.jobs[name])
            return

    def _carry(self, source: str, target: str, before: Definition, wanted: Spec) -> None:
        adopted = split_address(source)[0] == LOOSE
        # A job of no board was never applied from a file: what it says beside the file's is an edit.
        held = replace(before, base={}) if adopted else before
        moved = readdressed(held, source, target, wanted)
        self._arrive(source, target, Arrival(source, moved, "adopt" if adopted else "move"))

    def _adopt(self, adopted: Mapping[str, str]) -> None:
        """Take jobs of no board over.

        Raises:
            errors.UsageError: One of the two is not there, or its place is taken.
        """
        for source, target in adopted.items():
            home, job = split_address(target)
            before = self._live(LOOSE).get(split_address(source)[1])
            if before is None:
                raise errors.UsageError(
                    f"there is no job {source} on no board", "jobboard ls loose lists them"
                )
            if home in self._held:
                raise errors.UsageError(
                    f"a rollback holds board {home}, and its file has no say",
                    f"jobboard release {home} ends that",
                )
            if home not in self._boards or job not in self._boards[home].jobs:
                raise errors.UsageError(
                    f"no file declares {target}, and what adopts a job is a file",
                    f"write it into the file of board {home} first; jobboard show {source} says what it is",
                )
            if job in self._live(home):
                raise errors.UsageError(
                    f"{target} is in Redis already, beside {source}",
                    f"remove one of them: jobboard rm {source}",
                )
            self._carry(source, target, before, self._boards[home].jobs[job])

    def _forget(self, board: Board, address: str, removal: Removal) -> None:
        job = split_address(address)[1]
        before = self._live(board.name).get(job)
        if before is None:
            return
        target = address_of(LOOSE, job)
        if job in self._live(LOOSE):
            self._clash(board, address, target, (*removal.path, "job"))
            return
        spec = before.spec
        seeded = is_seeded(spec.get("schedule", {}))
        spec = _with_seed(spec, spec.get("seed", address) if seeded else None)
        self._arrive(address, target, Arrival(address, replace(before, spec=spec, base=spec), "forget"))

    def _arrive(self, source: str, target: str, arrival: Arrival) -> None:
        home, job = split_address(source)
        board, name = split_address(target)
        self._comings.setdefault(board, {})[name] = arrival
        self._goings.setdefault(home, set()).add(job)

    def _live(self, board: str) -> Mapping[str, Definition]:
        if board not in self._lives:
            record = self._records.get(board)
            self._lives[board] = definitions.read_definitions(self._store, record.version) if record else {}
        return self._lives[board]

    def _refuse(self, board: Board, refusal: Refusal) -> None:
        self._refusals.setdefault(board.name, []).append(refusal)

    def _clash(self, board: Board, source: str, target: str, path: Path) -> None:
        message = f"there is a job {target} already, beside {source} that is to become it"
        hint = "Take the line out to keep them apart, or remove one of them first"
        self._faults.append(board.diagnostic(Fault(path, message, hint)))


def readdressed(before: Definition, source: str, target: str, wanted: Spec) -> Definition:
    """A job as if it had another address already: the same times, hence the seed that gave them."""
    seed = before.spec.get("seed", source)
    seeded = seed != target and any(is_seeded(s.get("schedule", {})) for s in (before.spec, wanted))
    spec, base = (_with_seed(said, seed if seeded else None) for said in (before.spec, before.base))
    return replace(before, spec=spec, base=base)


def _waits(source: str, held: str) -> Refusal:
    return Refusal(
        "moved",
        source,
        f"{source} is to move, and a rollback holds board {held}",
        f"let its file have its say again: jobboard release {held}",
    )


def _stays(source: str, home: str, *, declared: bool) -> Refusal:
    if declared:
        way_out = f"take it out of the file of board {home}"
        return Refusal("moved", source, f"{source} is to move, and is still on board {home}", way_out)
    return Refusal(
        "moved",
        source,
        f"{source} is to move, and board {home} takes no part in this or still has it",
        f"take it out of the file of board {home}, and sync both files together",
    )


def _with_seed(spec: Spec, seed: str | None) -> Spec:
    without = {name: value for name, value in spec.items() if name != "seed"}
    return without if seed is None else {**without, "seed": seed}
