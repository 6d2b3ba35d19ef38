"""What jobs say about each other: who runs after whom, and how many may hold a lock.

Both reach across boards, so they are judged over every job there is: those of the boards at hand and those
that the store knows. Faults come back by the address of the job they are about.
"""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

from jobboard.core.diagnostic import Fault
from jobboard.core.names import split_address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from jobboard.core.model import Spec

Faults: TypeAlias = dict[str, list[Fault]]


def check_parents(specs: Mapping[str, Spec], known: Collection[str] = ()) -> Faults:
    """Jobs that run after themselves, after a job that does not exist, or in a circle.

    Args:
        specs: The jobs at hand, by address.
        known: Addresses of other jobs that exist.
    """
    faults: Faults = defaultdict(list)
    parents: dict[str, list[str]] = {}
    for address, spec in specs.items():
        for parent in spec.get("after", ()):
            if parent == address:
                faults[address].append(Fault(("after",), "a job cannot run after itself"))
            elif parent in specs:
                parents.setdefault(address, []).append(parent)
            elif parent not in known:
                faults[address].append(_unknown(parent, address, [*specs, *known]))
    for circle in _circles(parents):
        path = " after ".join([*circle, circle[0]])
        faults[circle[0]].append(Fault(("after",), f"jobs wait for each other: {path}", "Take one link out"))
    return dict(faults)


def _unknown(parent: str, child: str, known: Iterable[str]) -> Fault:
    board, name = split_address(parent)
    same_board = board == split_address(child)[0]
    near = get_close_matches(parent, known, n=1)
    hint = None
    if near:
        meant = split_address(near[0])[1] if same_board else near[0]
        hint = f'Did you mean "{meant}"?'
    return Fault(("after",), f'there is no job "{name if same_board else parent}" to run after', hint)


def _circles(parents: Mapping[str, list[str]]) -> list[list[str]]:
    """Every circle that following first-found parents leads into, each once, from its least address on."""
    circles: list[list[str]] = []
    settled: set[str] = set()
    for start in sorted(parents):
        trail: list[str] = []
        places: dict[str, int] = {}
        stack = [(start, 0)]
        while stack:
            address, depth = stack.pop()
            for left in trail[depth:]:
                settled.add(left)
                del places[left]
            del trail[depth:]
            if address in places:
                circles.append(_from_least(trail[places[address] :]))
            elif address not in settled:
                places[address] = len(trail)
                trail.append(address)
                stack.extend((parent, len(trail)) for parent in parents.get(address, ()))
        settled.update(trail)
    return circles


def _from_least(circle: list[str]) -> list[str]:
    first = circle.index(min(circle))
    return circle[first:] + circle[:first]


def check_locks(specs: Mapping[str, Spec], known: Mapping[str, Mapping[str, int]] | None = None) -> Faults:
    """Locks that two jobs give different capacities.

    The capacity that most jobs give is taken to be the one meant, the greater one where they are even; the
    others are at fault.

    Args:
        specs: The jobs at hand, by address.
        known: What other boards in the store say: lock name -> board -> capacity.
    """
    said: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for address, spec in specs.items():
        for name, capacity in spec.get("locks", {}).items():
            said[name][capacity].append(address)
    faults: Faults = defaultdict(list)
    for name, by_capacity in said.items():
        elsewhere = (known or {}).get(name, {})
        meant, where = _meant(by_capacity, elsewhere)
        for capacity, addresses in by_capacity.items():
            for address in addresses if capacity != meant else ():
                message = f'lock "{name}" has a capacity of {capacity} here and of {meant} in {where}'
                hint = f"Give it one capacity everywhere, as in  {meant}:{name}"
                faults[address].append(Fault(("locks",), message, hint))
    return dict(faults)


def _meant(by_capacity: Mapping[int, list[str]], elsewhere: Mapping[str, int]) -> tuple[int, str]:
    """The capacity a lock is meant to have, and where it is said; what is in the store already, first."""
    if elsewhere:
        board = min(elsewhere)
        return elsewhere[board], f"board {board}"
    capacity = max(by_capacity, key=lambda each: (len(by_capacity[each]), each))
    return capacity, min(by_capacity[capacity])
