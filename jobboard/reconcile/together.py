"""What no board shows alone: parents that do not exist, circles, lock capacities that disagree.

Judged over what would be live afterwards, beside what the store holds of the boards that take no part: their
records say how they were last applied, and jobs that were edited live since are read. A fault of a board at
hand has its place in a file; a board that takes no part can only be in the way.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs import depend
from jobboard.core.jobs.gate import check_gates, needs_of
from jobboard.core.names import address_of, split_address
from jobboard.core.plans.clash import Outside
from jobboard.core.plans.refusal import Refusal
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.jobs.depend import Faults
    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.core.plans.plan import Plan
    from jobboard.store.boards.definitions import BoardRecord
    from jobboard.store.calls.connect import Store

_NONE: Mapping[str, Any] = MappingProxyType({})


def specs_after(plan: Plan, lives: Mapping[str, Mapping[str, Definition]]) -> dict[str, Spec]:
    """The live definition, as it would be afterwards, of every job of the boards that were read.

    Args:
        plan: What would change.
        lives: The jobs of each board that was read, as they are live now.
    """
    specs = {
        address_of(name, job): definition.spec
        for name, live in lives.items()
        for job, definition in live.items()
    }
    for change in plan.changes:
        specs.pop(change.source or "", None)
        if change.after is None:
            specs.pop(change.address, None)
        else:
            specs[change.address] = change.after
    return specs


def outside_of(store: Store, specs: Iterable[Spec], others: Sequence[BoardRecord]) -> Outside:
    """What other boards say, as they are live, of the jobs at hand; their drifted jobs are read."""
    drifted = {
        record.name: definitions.read_some(store, record.version, record.drift)
        for record in others
        if record.drift
    }
    edges, capacities = _edges(others), _capacities(others)
    for record in filter(lambda record: record.name in drifted, others):
        for job, definition in drifted[record.name].items():
            edges.pop(address_of(record.name, job), None)
            if parents := depend.parents_of(definition.spec):
                edges[address_of(record.name, job)] = parents
        if any(d.spec.get("locks") != d.base.get("locks") for d in drifted[record.name].values()):
            # A lock may be held by other jobs of the board, or by none of them any more.
            live = definitions.read_definitions(store, record.version)
            _replace_capacities(capacities, record.name, [d.spec for d in live.values()])
    specs = list(specs)
    return Outside(edges, capacities, _known(store, specs, edges, others), _kin(store, specs, edges, others))


def outside_as_applied(store: Store, specs: Iterable[Spec], others: Sequence[BoardRecord]) -> Outside:
    """What other boards said of the jobs at hand when they were last applied."""
    edges, specs = _edges(others), list(specs)
    known, kin = _known(store, specs, edges, others), _kin(store, specs, edges, others)
    return Outside(edges, _capacities(others), known, kin)


def check_together(specs: Mapping[str, Spec], outside: Outside) -> Faults:
    """Faults of the jobs at hand, by address.

    Args:
        specs: The jobs at hand, by address, as they would be.
        outside: The boards that stay as they are.
    """
    around: dict[str, Spec] = {address: {"after": parents} for address, parents in outside.edges.items()}
    faults = depend.check_parents({**around, **specs}, outside.known)
    for check in (depend.check_joins, check_gates):
        for address, found in check({**outside.kin, **specs}).items():
            home = address if address in specs else _closing(address, around, specs)
            faults.setdefault(home or address, []).extend(found)
    for address, found in depend.check_locks(specs, outside.capacities).items():
        faults.setdefault(address, []).extend(found)
    # A circle is told of its least member. Where that is on another board, a job at hand closes it.
    for address in [address for address in faults if address not in specs]:
        closing = _closing(address, around, specs)
        if closing is not None:
            faults.setdefault(closing, []).extend(faults[address])
    return {address: found for address, found in faults.items() if address in specs}


def bereft_refusals(plan: Plan, outside: Outside) -> list[Refusal]:
    """Jobs of boards that take no part, whose parents the plan would destroy, or give another address."""
    gone = {change.address: "destroy" for change in plan.changes if change.action == "destroy"}
    gone |= {change.source: f"move to {change.address}" for change in plan.changes if change.source}
    return [
        Refusal(
            "depends",
            parent,
            f"{child} runs after {parent}, which this would {gone[parent]}",
            f"change {child} first, or in the same sync",
        )
        for child, parents in outside.edges.items()
        for parent in parents
        if parent in gone
    ]


def _closing(address: str, around: Mapping[str, Spec], specs: Mapping[str, Spec]) -> str | None:
    """The first job at hand on the way from a job to its parents, and to theirs."""
    seen: set[str] = set()
    left = [address]
    while left:
        here = left.pop()
        if here in specs:
            return here
        if here not in seen:
            seen.add(here)
            left.extend(around.get(here, {}).get("after", ()))
    return None


def _edges(records: Sequence[BoardRecord]) -> dict[str, list[str]]:
    """Child to parents, as the boards were last applied."""
    return {
        address_of(record.name, job): parents
        for record in records
        for job, parents in record.meta.get("edges", _NONE).items()
    }


def _capacities(records: Sequence[BoardRecord]) -> dict[str, dict[str, int]]:
    """Lock to board to capacity, as the boards were last applied."""
    found: dict[str, dict[str, int]] = {}
    for record in records:
        for lock, capacity in record.meta.get("locks", _NONE).items():
            found.setdefault(lock, {})[record.name] = capacity
    return found


def _replace_capacities(capacities: dict[str, dict[str, int]], board: str, specs: Sequence[Spec]) -> None:
    for said in capacities.values():
        said.pop(board, None)
    for spec in specs:
        for lock, capacity in spec.get("locks", {}).items():
            capacities.setdefault(lock, {})[board] = capacity


def _known(
    store: Store, specs: Iterable[Spec], edges: Mapping[str, Sequence[str]], others: Sequence[BoardRecord]
) -> set[str]:
    """Jobs that are there for others to run after, as far as anybody does."""
    wanted = {parent for spec in specs for parent in depend.parents_of(spec)}
    return _read(store, wanted, others).keys() | {parent for parents in edges.values() for parent in parents}


def _kin(
    store: Store,
    specs: Iterable[Spec],
    edges: Mapping[str, Sequence[str]],
    others: Sequence[BoardRecord],
) -> dict[str, Spec]:
    """Jobs of these boards that run after several, and all that those and the jobs at hand run after."""
    joined = [depend.parents_of(spec) for spec in specs if len(spec.get("after", ())) > 1 or needs_of(spec)]
    joins = {child for child, parents in edges.items() if len(parents) > 1}
    wanted = joins.union(*joined)
    found: dict[str, Spec] = {}
    while wanted:
        read = _read(store, wanted, others)
        found.update(read)
        wanted = {parent for spec in read.values() for parent in spec.get("after", ())} - found.keys()
    return found


def _read(store: Store, addresses: set[str], records: Sequence[BoardRecord]) -> dict[str, Spec]:
    """Of the addresses those that are jobs of these boards, with their definitions."""
    by_board: dict[str, list[str]] = {}
    for board, job in map(split_address, sorted(addresses)):
        by_board.setdefault(board, []).append(job)
    return {
        address_of(record.name, job): definition.spec
        for record in records
        if record.name in by_board
        for job, definition in definitions.read_some(store, record.version, by_board[record.name]).items()
    }
