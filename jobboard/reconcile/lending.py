"""Boards that take part in a rollback only by giving back the jobs that have come to them since.

Such a board is not held: its file moves those jobs again, once the board that they went back to lets them go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.policy import Policy
from jobboard.core.names import LOOSE, address_of, split_address
from jobboard.core.plans.compare import plan_jobs
from jobboard.core.plans.drift import removal
from jobboard.core.plans.plan import BoardPlan
from jobboard.core.plans.refusal import Refusal
from jobboard.reconcile.traffic import board_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.reconcile.traffic import Traffic
    from jobboard.store.boards.definitions import BoardRecord


def lenders_of(names: Mapping[str, str], boards: Sequence[str] | None) -> set[str]:
    """Boards that take no part but for jobs that go back from them to boards that do."""
    back = ((split_address(now)[0], split_address(before)[0]) for now, before in names.items())
    return {now for now, before in back if before in (boards or ())} - {LOOSE, *(boards or ())}


def refuse_split(
    revision: int,
    names: Mapping[str, str],
    boards: Sequence[str],
    lives: Mapping[str, Mapping[str, Definition]],
) -> None:
    """Raise where a job came to one of the boards from one that takes no part.

    Raises:
        errors.Refused: It would be destroyed here, and nothing would keep it there.
    """
    for now, before in sorted(names.items()):
        (home, job), origin = split_address(now), split_address(before)[0]
        if home in boards and job in lives.get(home, {}) and origin not in (*boards, LOOSE):
            asked = " ".join(f"--board {name}" for name in (*boards, origin))
            raise errors.Refused(
                f"{now} was {before} at revision {revision}, and board {origin} takes no part in this:"
                " the job would be destroyed; nothing was written",
                f"roll both back: jobboard rollback {revision} {asked}",
            )


def lending(record: BoardRecord, live: Mapping[str, Definition], traffic: Traffic) -> BoardPlan:
    """The plan of a board that only gives jobs back; its file moves them again, once it may."""
    stay = traffic.settled(record.name, live)
    # A job that was brought back by hand is in no file.
    file = {job: base for job, base in bases_of(stay).items() if base}
    _, drift, _ = plan_jobs(record.name, file, stay, Policy())
    removed = [address_of(record.name, job) for job in record.drift if job not in live]
    held = record.meta.get("held")
    return BoardPlan(
        record.name,
        str(record.meta.get("path") or ""),
        record.version,
        (),
        (*drift, *map(removal, removed)),
        refusals=(_kept_by(record.name, held),) if held else (),
        jobs=len(stay),
        meta={**record.meta, **board_facts({job: d.spec for job, d in stay.items()}), "digest": None},
        recorded=True,
        left=tuple(sorted(traffic.goings[record.name])),
    )


def _kept_by(name: str, held: Mapping[str, Any]) -> Refusal:
    return Refusal(
        "moved",
        name,
        f"a job is to go back from board {name}, which is held at what revision {held.get('revision')} left",
        f"let its file have its say again: jobboard release {name}; or roll both back: --board {name}",
    )


def bases_of(live: Mapping[str, Definition]) -> dict[str, Spec]:
    """What was applied of each job last."""
    return {job: definition.base for job, definition in live.items()}
