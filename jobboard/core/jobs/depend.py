"""What jobs say about each other: who runs after whom, and how many may hold a lock.

Both reach across boards, so they are judged over every job there is: those at hand and what the store knows
of others. Faults come back by the address of the job they are about.
"""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from jobboard.core.diagnostic import Fault
from jobboard.core.jobs.value.when import WINDOWS
from jobboard.core.names import split_address
from jobboard.core.states import PASSED_OVER
from jobboard.core.times.schedule import is_seeded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from jobboard.core.jobs.model import Spec

Faults: TypeAlias = dict[str, list[Fault]]

SHOWN = 10
"""How many jobs of a circle are named, and for how many unknown parents a better name is looked for."""

_NOTHING: Mapping[str, Mapping[str, int]] = MappingProxyType({})
_UNMOVED: Mapping[str, str] = MappingProxyType({})


def parents_of(spec: Spec) -> list[str]:
    """The jobs that one goes by: those it runs after, and those that its runs wait for."""
    return sorted({*spec.get("after", ()), *spec.get("needs", {})})


def edges_of(specs: Mapping[str, Spec]) -> dict[str, list[str]]:
    """Job to the jobs that it goes by, for those that go by any."""
    return {name: parents_of(spec) for name, spec in specs.items() if "after" in spec or "needs" in spec}


def check_parents(
    specs: Mapping[str, Spec], known: Collection[str] = (), moved: Mapping[str, str] = _UNMOVED
) -> Faults:
    """Jobs that go by themselves, by a job that does not exist, or in a circle.

    Args:
        specs: The jobs at hand, by address.
        known: Addresses of other jobs that exist.
        moved: Addresses that jobs had, to those they have now.
    """
    faults: Faults = defaultdict(list)
    for address, spec in specs.items():
        for parent in parents_of(spec):
            key = "needs" if parent in spec.get("needs", ()) else "after"
            if parent == address:
                does = "run after" if key == "after" else "wait for"
                faults[address].append(Fault((key,), f"a job cannot {does} itself"))
            elif parent in moved and parent not in specs:
                faults[address].append(_moved(parent, address, moved[parent], key))
            elif parent not in specs and parent not in known:
                # Looking for what was meant takes long among thousands of names: the first few will do.
                names = [*specs, *known] if len(faults) < SHOWN else []
                faults[address].append(_unknown(parent, address, names, key))
    for circle in circles(edges_of(specs)):
        way = circle if len(circle) <= SHOWN else [*circle[:SHOWN], "…"]
        message = f"jobs wait for each other: {' after '.join([*way, circle[0]])}"
        key = "needs" if "needs" in specs[circle[0]] else "after"
        faults[circle[0]].append(Fault((key,), message, "Take one of them out"))
    return dict(faults)


def check_joins(specs: Mapping[str, Spec]) -> Faults:
    """Jobs that run after several others which do not come at the same nominals.

    A join takes one run of each parent, all of one nominal. So the jobs that its parents stem from have to
    share a schedule, or be one job. One with a parent that is not at hand is not judged.

    Args:
        specs: The jobs at hand and their parents, by address; circles do no harm.
    """
    hint = "Add  window: day  to run once a day, or give them one schedule"
    return {
        address: [Fault(("after",), f"{one} and {other} have no schedule in common, hence no nominal", hint)]
        for address, one, other in joins_apart(specs)
    }


def joins_apart(specs: Mapping[str, Spec]) -> Iterator[tuple[str, str, str]]:
    """Joins that cannot come about, each with two of the jobs it stems from that share no schedule."""
    for address, spec in specs.items():
        if len(spec.get("after", ())) > 1 and "schedule" not in spec:
            roots = roots_of(address, specs)
            apart = _apart(sorted(roots), specs) if roots is not None else None
            if apart is not None:
                yield address, *apart


def fits(wanted: str | None, state: str) -> bool:
    """Whether the end of a parent's run is the one that an edge asks for; what never ran fits none.

    Args:
        wanted: ``finished`` is any end, ``failed`` is one without success; None is success.
        state: Of the run: ``ok``, ``failed``, ``lost``, ``cancelled``; or ``skipped``, ``missed``, ``held``.
    """
    if state in PASSED_OVER or wanted == "finished":
        return state not in PASSED_OVER
    return state in ("failed", "lost") if wanted == "failed" else state == "ok"


def roots_of(address: str, specs: Mapping[str, Spec]) -> set[str] | None:
    """The jobs whose schedule gives a job its nominals; None where one of its parents is not at hand."""
    roots, seen, left = set(), {address}, [address]
    while left:
        here = left.pop()
        if here not in specs:
            return None
        above = () if "schedule" in specs[here] else specs[here].get("after", ())
        if not above:
            roots.add(here)
        left += [parent for parent in above if parent not in seen]
        seen.update(above)
    return roots


def line_of(address: str, specs: Mapping[str, Spec]) -> list[str]:
    """A job and all that it runs after up to those whose schedule gives the nominals; itself first."""
    found, left = {address: None}, [address]
    while left:
        here = specs.get(left.pop(), {})
        above = () if "schedule" in here else here.get("after", ())
        left += [parent for parent in above if parent not in found]
        found.update(dict.fromkeys(above))
    return list(found)


def _apart(roots: Sequence[str], specs: Mapping[str, Spec]) -> tuple[str, str] | None:
    """Two of the jobs that do not have the same nominals; None where all have."""
    rhythms = {root: _rhythm(root, specs[root]) for root in roots}
    first = roots[0]
    return next(((first, root) for root in roots if rhythms[root] != rhythms[first]), None)


def _rhythm(address: str, spec: Spec) -> Any:
    """What decides a job's nominals: its schedule but for jitter; the job itself where that is its own."""
    schedule = {key: value for key, value in spec.get("schedule", {}).items() if key != "jitter"}
    is_shared = schedule and "delay" not in schedule and not is_seeded(schedule)
    return schedule if is_shared else (address, schedule)


def parents_text(spec: Spec) -> str:
    """What a job runs after, in words: ``after etl/load and etl/check (failed)``."""
    ends = spec.get("on", {})
    named = [f"{parent} ({ends[parent]})" if parent in ends else parent for parent in spec["after"]]
    return f"after {' and '.join([', '.join(named[:-1]), named[-1]] if len(named) > 1 else named)}"


def window_text(spec: Spec) -> str:
    """When a job that comes once a window does, in words: ``after etl/load, once a day``."""
    schedule = spec["schedule"]
    named = next((name for name, cron in WINDOWS.items() if cron == schedule.get("cron")), None)
    window = f"a{'n' if named == 'hour' else ''} {named}" if named else f"a window of {schedule.get('cron')}"
    zone = f" ({schedule['timezone']})" if "timezone" in schedule else ""
    return f"{parents_text(spec)}, once {window}{zone}"


def check_locks(specs: Mapping[str, Spec], known: Mapping[str, Mapping[str, int]] = _NOTHING) -> Faults:
    """Jobs that give a lock another capacity than it is meant to have.

    What another board says is meant, else what most jobs say, the greater one where they are even.

    Args:
        specs: The jobs at hand, by address.
        known: Lock -> board -> capacity, of other boards.
    """
    said: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for address, spec in specs.items():
        for name, size in spec.get("locks", {}).items():
            said[name][size].append(address)
    faults: Faults = defaultdict(list)
    for name, by_size in said.items():
        size, place = _meant(by_size, known.get(name, {}))
        hint = f"Give it one capacity everywhere, as in  {size}:{name}"
        for other, addresses in by_size.items():
            message = f'lock "{name}" has a capacity of {other} here and of {size} in {place}'
            for address in addresses if other != size else ():
                faults[address].append(Fault(("locks",), message, hint))
    return dict(faults)


def _moved(parent: str, child: str, now: str, key: str) -> Fault:
    """A parent that has another name."""
    board = split_address(child)[0]
    old, new = (split_address(one)[1] if split_address(one)[0] == board else one for one in (parent, now))
    return Fault((key,), f'the job "{old}" is called "{new}" now', f"Write  {key}: {new}")


def _unknown(parent: str, child: str, known: Iterable[str], key: str) -> Fault:
    board, name = split_address(parent)
    is_near = board == split_address(child)[0]
    meant = get_close_matches(parent, known, n=1)
    hint = None
    if meant:
        hint = f'Did you mean "{split_address(meant[0])[1] if is_near else meant[0]}"?'
    purpose = "to run after" if key == "after" else "to wait for"
    return Fault((key,), f'there is no job "{name if is_near else parent}" {purpose}', hint)


def circles(parents: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Each circle of jobs that wait for each other once, from its least address on."""
    settled: set[str] = set()
    found = (_circle_from(start, parents, settled) for start in sorted(parents))
    return [_from_least(circle) for circle in found if len(circle) > 1]


def _from_least(circle: list[str]) -> list[str]:
    first = circle.index(min(circle))
    return [*circle[first:], *circle[:first]]


def _circle_from(start: str, parents: Mapping[str, Collection[str]], settled: set[str]) -> list[str]:
    """The first circle met by going from job to parent; every job passed that is in none is settled."""
    trail: dict[str, None] = {}
    stack = [(start, False)]
    while stack:
        address, is_left = stack.pop()
        if is_left:
            del trail[address]
            settled.add(address)
        elif address in trail:
            passed = list(trail)
            settled.update(passed)
            return passed[passed.index(address) :]
        elif address not in settled:
            trail[address] = None
            stack.append((address, True))
            stack.extend((parent, False) for parent in parents.get(address, ()))
    return []


def _meant(by_size: Mapping[int, list[str]], elsewhere: Mapping[str, int]) -> tuple[int, str]:
    """The capacity a lock is meant to have, and where: what another board has, else what most jobs say."""
    if elsewhere:
        board = min(elsewhere)
        return elsewhere[board], f"board {board}"
    size = max(by_size, key=lambda each: (len(by_size[each]), each))
    return size, min(by_size[size])
