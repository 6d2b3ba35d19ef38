"""Clashes: what does not hold together after a merge, though the file and Redis each did.

Somebody makes `a` run after `b` live, the file makes `b` run after `a`, and no field was changed twice: only
the *result* of the merge is wrong. Three things can be, all of them between jobs:

==========  ====================================================================
circle      jobs wait for each other
parent      a job runs after one that is not there
join        a job runs after several that share no schedule
gate        a job waits for runs that no schedule brings, or for too many
lock        a lock has two capacities
==========  ====================================================================

A schedule cannot: it is merged as one value, so the result of a merge is one that somebody wrote.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.jobs.depend import SHOWN, circles, edges_of, joins_apart, parents_of
from jobboard.core.jobs.gate import gates_amiss
from jobboard.core.jobs.merge import Merged, same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from jobboard.core.jobs.model import Spec

Kind: TypeAlias = Literal["circle", "parent", "join", "gate", "lock"]
Trouble: TypeAlias = tuple[Kind, tuple[str, ...]]
"""What is wrong: the jobs of a circle in order; a child and its parent; a join and two that it stems from; a
job and what it waits for; or the name of a lock."""

PRESENT = "present"
"""What stands for a whole job in a part of a clash: it is there, or it is None."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What boards that take no part say of jobs.

    Attributes:
        edges: Child to its parents.
        capacities: Lock to board to capacity.
        known: Addresses of jobs that exist, as far as anybody asks.
        kin: Their jobs that run after several others, with all that those and the jobs at hand run after.
    """

    edges: Mapping[str, Collection[str]] = field(default_factory=dict)
    capacities: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    known: Collection[str] = ()
    kin: Mapping[str, Spec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A path of a job that the file and Redis say differently, and that has a part in a clash.

    Attributes:
        address: Which job.
        field: The path and its values; an empty path is the job itself, `PRESENT` or not.
    """

    address: str
    field: Merged


@dataclass(frozen=True, slots=True)
class Clash:
    """One thing that does not hold together after the merge.

    Attributes:
        kind: See the module.
        message: A sentence for a person.
        parts: Where the file and Redis differ in it; empty where only boards that take no part differ.
        cures: The sides that end it, taken at every part: ``file``, ``live``.
        skipped: Whether the jobs that the file changed stay as they are, so that it does not come about.
    """

    kind: Kind
    message: str
    parts: tuple[Part, ...] = ()
    cures: tuple[Literal["file", "live"], ...] = ()
    skipped: bool = False


def troubles(specs: Mapping[str, Spec], outside: Outside) -> list[Trouble]:
    """What does not hold together among the jobs at hand and between them and those outside.

    Args:
        specs: The jobs at hand, by address.
        outside: The boards that take no part.
    """
    found: list[Trouble] = [
        ("parent", (address, parent))
        for address, spec in specs.items()
        for parent in parents_of(spec)
        if parent not in specs and parent not in outside.known
    ]
    edges = {**outside.edges, **edges_of(specs)}
    found += [("circle", tuple(circle)) for circle in circles(edges)]
    everybody = {**outside.kin, **specs}
    found += [("join", names) for names in joins_apart(everybody)]
    found += [("gate", (address, parent)) for address, parent, _ in gates_amiss(everybody)]
    found = [trouble for trouble in found if any(address in specs for address in trouble[1])]
    return [*found, *(("lock", (name,)) for name, said in _said(specs, outside).items() if len(said) > 1)]


def _said(specs: Mapping[str, Spec], outside: Outside) -> dict[str, dict[int, str]]:
    """Lock to capacity to the first who says so, for locks of the jobs at hand."""
    said: dict[str, dict[int, str]] = defaultdict(dict)
    for address in sorted(specs):
        for name, size in specs[address].get("locks", {}).items():
            said[name].setdefault(size, address)
    for name, sizes in said.items():
        for board, size in outside.capacities.get(name, {}).items():
            sizes.setdefault(size, f"board {board}")
    return said


def describe(trouble: Trouble, specs: Mapping[str, Spec], outside: Outside) -> str:
    """The trouble in a sentence."""
    kind, names = trouble
    if kind == "parent":
        return f"{names[0]} would run after {names[1]}, which would not be there"
    if kind == "circle":
        way = names if len(names) <= SHOWN else (*names[:SHOWN], "…")
        return f"jobs would wait for each other: {' after '.join([*way, names[0]])}"
    if kind == "join":
        return f"{names[0]} would run after jobs of several schedules: {names[1]} and {names[2]}"
    if kind == "gate":
        return f"{names[0]} would wait for {names[1]}, which has no nominal for it, or too many"
    said = _said(specs, outside)[names[0]]
    return f'lock "{names[0]}" would have a capacity of ' + " and of ".join(
        f"{size} in {where}" for size, where in sorted(said.items())
    )


def parts_of(
    trouble: Trouble,
    merged: Mapping[str, Spec],
    files: Mapping[str, Spec],
    lives: Mapping[str, Spec],
    bases: Mapping[str, Spec],
) -> list[Part]:
    """Where the file and Redis differ in what is wrong.

    Args:
        trouble: From `troubles` of what is merged.
        merged: The jobs at hand, by address, as the merge leaves them.
        files: As the files say them.
        lives: As they are now.
        bases: As last applied.
    """
    kind, names = trouble
    paths: tuple[str, ...] = (f"locks.{names[0]}",) if kind == "lock" else ("after", "needs")
    if kind in ("join", "gate"):
        paths = (*paths, "schedule")
    jobs = sorted({*merged, *files, *lives}) if kind == "lock" else names
    found = []
    for address, path in ((address, path) for address in jobs for path in paths):
        sides = [side.get(address) for side in (bases, lives, files, merged)]
        is_whole = kind != "lock" and (sides[1] is None or sides[2] is None)
        if is_whole and path != paths[0]:
            continue
        values = [_at(side, "" if is_whole else path) for side in sides]
        if not same(values[1], values[2]):
            found.append(Part(address, Merged("" if is_whole else path, "conflict", *values)))
    return found


def _at(spec: Spec | None, path: str) -> Any:
    if not path:
        return None if spec is None else PRESENT
    name, _, key = path.partition(".")
    value = (spec or {}).get(name)
    return value.get(key) if key and value is not None else value


def with_side(
    specs: Mapping[str, Spec], parts: Collection[Part], side: Literal["file", "live"]
) -> dict[str, Spec]:
    """The jobs with one side's value at every part; a whole job stays as it is, for no value makes one."""
    changed = dict(specs)
    for part in parts:
        value = part.field.file if side == "file" else part.field.live
        name, _, key = part.field.path.partition(".")
        if not name or part.address not in changed:
            continue
        spec = dict(changed[part.address])
        if key:
            value = {k: v for k, v in {**(spec.get(name) or {}), key: value}.items() if v is not None}
        spec[name] = value
        changed[part.address] = {k: v for k, v in spec.items() if v not in (None, {})}
    return changed


def cures_of(
    trouble: Trouble, parts: Collection[Part], specs: Mapping[str, Spec], outside: Outside
) -> Iterator[Literal["file", "live"]]:
    """The sides whose values, taken at every part, end a trouble."""
    kind, names = trouble
    if kind == "parent":
        # What was made to run after a job live lets go of it; no value of a path brings a job back.
        if any(part.field.path == "after" for part in parts):
            yield "file"
        return
    if kind == "lock":
        taking = {part.address for part in parts}
        specs = {a: spec for a, spec in specs.items() if a in taking or names[0] in spec.get("locks", {})}
    sides: tuple[Literal["file", "live"], ...] = ("file", "live")
    for side in sides:
        if not any(_is_same(trouble, left) for left in troubles(with_side(specs, parts, side), outside)):
            yield side


def _is_same(one: Trouble, other: Trouble) -> bool:
    return one[0] == other[0] and {*one[1]} == {*other[1]}
