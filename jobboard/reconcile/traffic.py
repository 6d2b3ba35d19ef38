"""Which jobs come to which boards and leave them, and what that makes of boards that no file is about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jobboard.core.jobs.depend import edges_of
from jobboard.core.names import LOOSE, address_of, split_address
from jobboard.core.plans.change import JobChange
from jobboard.core.plans.plan import BoardPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.plans.arrival import Arrival
    from jobboard.core.plans.refusal import Refusal
    from jobboard.store.boards.definitions import BoardRecord


@dataclass(frozen=True, slots=True)
class Traffic:
    """Which jobs come to which boards, and which leave them.

    Attributes:
        comings: Board to the jobs that come, by the name they will have.
        goings: Board to the names of the jobs that leave.
        refusals: What stands in the way, by the board that says so.
    """

    comings: Mapping[str, dict[str, Arrival]] = field(default_factory=dict)
    goings: Mapping[str, set[str]] = field(default_factory=dict)
    refusals: Mapping[str, list[Refusal]] = field(default_factory=dict)

    def settled(self, board: str, live: Mapping[str, Definition]) -> dict[str, Definition]:
        """The jobs of a board as if those that come and go had done so already."""
        gone = self.goings.get(board, ())
        stay = {job: definition for job, definition in live.items() if job not in gone}
        return stay | {job: one.definition for job, one in self.comings.get(board, {}).items()}


def loose_plan(
    record: BoardRecord | None, live: Mapping[str, Definition], traffic: Traffic
) -> BoardPlan | None:
    """What becomes of the jobs of no board; None where nothing does."""
    comings, goings = traffic.comings.get(LOOSE, {}), traffic.goings.get(LOOSE, set())
    if not comings and not goings:
        return None
    after = traffic.settled(LOOSE, live)
    specs = {job: definition.spec for job, definition in after.items()}
    changes = tuple(
        JobChange(
            address_of(LOOSE, job),
            one.action,
            one.definition,
            one.definition.spec,
            one.definition.base,
            source=one.source,
        )
        for job, one in sorted(comings.items())
    )
    return BoardPlan(
        LOOSE,
        "",
        record.version if record else None,
        changes,
        jobs=len(after),
        meta={**(record.meta if record else {}), **board_facts(specs)},
        left=tuple(sorted(goings)),
    )


def emptied(plan: BoardPlan, live: Mapping[str, Definition], traffic: Traffic) -> BoardPlan:
    """The plan of a board without a file, less the jobs that leave it; one that all leave goes as well."""
    goings = traffic.goings.get(plan.name)
    if not goings:
        return plan
    if plan.missing and goings == live.keys():
        return replace(plan, missing=False, refusals=(), removed=True, jobs=0, left=tuple(sorted(goings)))
    changes = tuple(c for c in plan.changes if split_address(c.address)[1] not in goings)
    refusals = tuple(r for r in plan.refusals if r.subject not in {address_of(plan.name, g) for g in goings})
    stay = 0 if plan.removed else plan.jobs - len(goings)
    facts = board_facts({job: d.spec for job, d in traffic.settled(plan.name, live).items()})
    return replace(
        plan,
        changes=changes,
        refusals=refusals,
        jobs=stay,
        left=tuple(sorted(goings)),
        meta={**plan.meta, **facts},
    )


def board_facts(jobs: Mapping[str, Spec]) -> dict[str, object]:
    """What a board's record says of its jobs: their number, locks and edges."""
    return {
        "jobs": len(jobs),
        "locks": {name: n for spec in jobs.values() for name, n in spec.get("locks", {}).items()},
        "edges": edges_of(jobs),
    }
