"""What a person wants to know beside a plan: who made the drift, what is held, what runs. Reads only.

Beside most plans there is nothing, which one question tells; what reads each of these is imported after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jobboard.core.names import LOOSE, address_of, split_address
from jobboard.store.boards import definitions
from jobboard.store.calls import clocks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.jobs.override import Override
    from jobboard.core.plans.change import JobChange
    from jobboard.core.plans.plan import Plan
    from jobboard.core.runs.facts import Hold, Skip
    from jobboard.reconcile.since import Since
    from jobboard.store.calls.connect import Store
    from jobboard.store.views.bystanders import Bystander

LOOKED_AT = 500
"""Changes up to which their runs are looked up; beyond that it would cost more than the plan."""


@dataclass(frozen=True, slots=True)
class Around:
    """The surroundings of a plan.

    Attributes:
        now_ms: The store's time.
        edits: Job to path to who edited it live and when.
        holds: Holds that concern the plan's boards, by scope.
        bystanders: Job to its runs, for jobs that would change or go.
        skips: Jobs of the plan's boards whose next runs are passed over.
        overridden: Jobs of the plan's boards with overrides, each as it is stored.
        live: What is in force of every job there is, where times move and the jobs are few enough to count.
        unmanaged: Jobs that would be added, to a job of no board that has the same name.
        since: Which changes the files' own do not explain; None where nobody asked.
    """

    now_ms: int
    edits: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    holds: Mapping[str, Sequence[Hold]] = field(default_factory=dict)
    bystanders: Mapping[str, Bystander] = field(default_factory=dict)
    overridden: Mapping[str, Definition] = field(default_factory=dict)
    skips: Mapping[str, Skip] = field(default_factory=dict)
    live: Mapping[str, Spec] | None = None
    unmanaged: Mapping[str, str] = field(default_factory=dict)
    since: Since | None = None

    def unexplained(self, address: str) -> tuple[str, ...] | None:
        """The paths of a job that move unexplained, see `since.Since`; None where there is nothing to say."""
        return None if self.since is None else self.since.unexplained.get(address)

    def overrides(self, address: str) -> tuple[Override, ...]:
        """The overrides of a job that have not ended."""
        from jobboard.core.jobs.override import lasting

        definition = self.overridden.get(address)
        return () if definition is None else lasting(definition, self.now_ms)


def look_around(store: Store, plan: Plan) -> Around:
    """Read the surroundings of a plan."""
    now_ms = clocks.now_ms(store)
    beside = _beside(store, {board.name for board in plan.boards}, now_ms)
    if plan.quiet:
        return beside
    from jobboard.store.boards import edits

    touched = [change for change in plan.changes if change.before is not None]
    dropped = [c.address for c in plan.changes if c.after is None and c.before and c.before.drifted]
    clashing = [part.address for clash in plan.clashes for part in clash.parts]
    return replace(
        beside,
        edits=edits.read_edits(store, [*plan.edited, *dropped, *clashing]),
        bystanders=_bystanders(store, touched) if len(touched) <= LOOKED_AT else {},
        live=_live(store, plan),
        unmanaged=_unmanaged(store, plan),
    )


def _beside(store: Store, boards: Collection[str], now_ms: int) -> Around:
    """What lies on these boards and their jobs, whatever becomes of them."""
    names = ("holds", "overrides", "skips")
    held, overridden, skipped = store.read(*(("EXISTS", store.key(name)) for name in names))
    found = Around(now_ms)
    if held:
        from jobboard.store.boards.holds import read_holds

        found = replace(found, holds=_concerning(boards, read_holds(store, now_ms)))
    if overridden:
        from jobboard.store.boards.overrides import read_overridden

        found = replace(found, overridden=read_overridden(store, boards))
    if skipped:
        from jobboard.store.boards.skips import read_skips

        left = {a: skip for a, skip in read_skips(store).items() if split_address(a)[0] in boards}
        found = replace(found, skips=left)
    return found


def _unmanaged(store: Store, plan: Plan) -> dict[str, str]:
    """Jobs that would be added, to the job of no board that has the same name."""
    added = {split_address(c.address)[1]: c.address for c in plan.changes if c.action == "add"}
    loose = definitions.read_board(store, LOOSE) if added else None
    found = definitions.read_some(store, loose.version, list(added)) if loose else {}
    return {added[job]: address_of(LOOSE, job) for job in found}


def look_around_boards(store: Store, boards: Collection[str], edited: Sequence[str]) -> Around:
    """Read the surroundings of boards outside of any plan, and who edited these jobs of theirs."""
    from jobboard.store.boards import edits, holds, overrides

    now_ms = clocks.now_ms(store)
    return Around(
        now_ms,
        edits.read_edits(store, edited),
        _concerning(boards, holds.read_holds(store, now_ms)),
        overridden=overrides.read_overridden(store, boards),
    )


def _live(store: Store, plan: Plan) -> Mapping[str, Spec] | None:
    """Every job there is, where that is worth reading to tell what the plan does to its hours."""
    if not any(change.moves_schedule for change in plan.changes):
        return None
    from jobboard.core.plans.crowding import COUNTED

    if len(plan.changes) > COUNTED:
        return None
    from jobboard.store.views.usual import live_jobs_if_few

    return live_jobs_if_few(store, COUNTED)


def _bystanders(store: Store, changes: Sequence[JobChange]) -> dict[str, Bystander]:
    """The runs of jobs that would change, by the address these will have."""
    from jobboard.store.views import bystanders

    address_of = {change.source or change.address: change.address for change in changes}
    found = bystanders.read_bystanders(store, list(address_of))
    return {address_of[address]: one for address, one in found.items()}


def _concerning(boards: Collection[str], held: Mapping[str, Sequence[Hold]]) -> dict[str, Sequence[Hold]]:
    """Holds on these boards and their jobs, on tags, and on everything."""
    found: dict[str, Sequence[Hold]] = {}
    for scope, listed in held.items():
        kind, _, name = scope.partition(":")
        if kind not in ("board", "job") or name.partition("/")[0] in boards:
            found[scope] = listed
    return found
