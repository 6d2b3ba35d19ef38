"""A part of the boards alone: what `--target` and `--exclude` leave of a plan.

Jobs are added and changed, never destroyed or moved: what a file no longer says is known for sure only where
all of it is applied. A board of which nothing is chosen takes no part at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobboard.core.names import address_of, split_address
from jobboard.reconcile.selecting import TAG, Known, tags_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.reconcile.selecting import Stored
    from jobboard.reconcile.sources import Options
    from jobboard.reconcile.traffic import Traffic
    from jobboard.source.board import Board


@dataclass(frozen=True, slots=True)
class Chosen:
    """What takes part.

    Attributes:
        boards: Boards with a job that does, by name.
        aside: Jobs of any board that do not, by address.
        undone: Those of them that a whole sync would have something to do with.
        targets, excludes: What the options name, in full.
    """

    boards: dict[str, Board]
    aside: frozenset[str] = frozenset()
    undone: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def takes(self, address: str, live: Definition) -> bool:
        """Whether a job takes part that need not be on any board that was parsed."""
        named = not self.targets or _is_any(self.targets, address, {}, live)
        return named and not _is_any(self.excludes, address, {}, live)


def choose(
    options: Options,
    boards: dict[str, Board],
    lives: Mapping[str, Mapping[str, Definition]],
    traffic: Traffic,
    stored: Stored,
) -> Chosen:
    """The boards and jobs that the options name, or all.

    Args:
        options: Say which.
        boards: The boards that were parsed.
        lives: Their jobs in the store.
        traffic: Jobs that would get another address.
        stored: All boards in the store.

    Raises:
        errors.UsageError: They name what is not there.
    """
    if options.adopted:
        return _adopting(set(options.adopted.values()), boards, lives)
    if not options.targets and not options.excludes:
        return Chosen(boards)
    jobs = {
        address_of(name, job): (board.jobs.get(job), lives.get(name, {}).get(job))
        for name, board in boards.items()
        for job in {**board.jobs, **lives.get(name, {})}
    }
    known = Known(jobs, boards, stored)
    targets, excludes = (
        [known.selector(text) for text in texts] for texts in (options.targets, options.excludes)
    )
    arriving = {address_of(board, job) for board, comings in traffic.comings.items() for job in comings}
    aside = frozenset(
        address
        for address, (file, live) in jobs.items()
        if file is None
        or address in arriving
        or (targets and not _is_any(targets, address, file, live))
        or _is_any(excludes, address, file, live)
    )
    taking = {split_address(address)[0] for address in jobs.keys() - aside}
    return Chosen(
        {name: board for name, board in boards.items() if name in taking},
        aside,
        tuple(sorted(address for address in aside if differs(*jobs[address]))),
        tuple(targets),
        tuple(excludes),
    )


def has_bare_names(options: Options, boards: Collection[str]) -> bool:
    """Whether the options name anything without saying of which board it is."""
    named = (*options.targets, *options.excludes)
    return any("/" not in text and not text.startswith(TAG) and text not in boards for text in named)


def _adopting(
    targets: Collection[str], boards: dict[str, Board], lives: Mapping[str, Mapping[str, Definition]]
) -> Chosen:
    taking = {split_address(address)[0] for address in targets}
    chosen = {name: board for name, board in boards.items() if name in taking}
    jobs = {
        address_of(name, job): (board.jobs.get(job), lives.get(name, {}).get(job))
        for name, board in chosen.items()
        for job in {**board.jobs, **lives.get(name, {})}
    }
    aside = frozenset(jobs.keys() - targets)
    return Chosen(chosen, aside, tuple(sorted(address for address in aside if differs(*jobs[address]))))


def differs(file: Spec | None, live: Definition | None) -> bool:
    """Whether a whole sync would have anything to do with a job, drift apart."""
    if file is None or live is None:
        return True
    return {**file, "seed": live.base.get("seed")} != {**live.base, "seed": live.base.get("seed")}


def _is_any(selectors: Collection[str], address: str, file: Spec, live: Definition | None) -> bool:
    names = {address, split_address(address)[0], *(f"{TAG}{tag}" for tag in tags_of(file, live))}
    return not names.isdisjoint(selectors)
