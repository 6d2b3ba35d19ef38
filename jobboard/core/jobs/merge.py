"""The three-way merge: a pure function of three values.

**base** is what the last sync applied, **live** what Redis holds now, **file** what the board says now; a
missing value is a value. For one indivisible value:

====================  =========  ==================================================
file == live          settled    nothing to write (`converge` if base has to follow)
file == base          keep       only live moved: drift, and drift is kept
live == base          take       only the file moved: take the file
otherwise             conflict   both moved, differently: a person decides
====================  =========  ==================================================

A map merges per key by the same table. A set merges per element and never conflicts: an element is in the
result exactly if the side that moved it says so. Then a policy (`core.jobs.policy`) says what becomes of
drift and of conflicts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.jobs.model import FIELDS, Spec
from jobboard.core.jobs.policy import BUILT_IN, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.jobs.policy import OnDrift

Verdict: TypeAlias = Literal["converge", "keep", "take", "revert", "conflict"]

MISSING: Any = None
"""What stands for an absent value. No canonical value is None, so nothing is ever mistaken for it."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What the merge found for one path of one job, where the three are not all alike.

    Attributes:
        path: Field name, with the key after a dot inside a map: ``timeout``, ``env.PATH``.
        verdict: See the module's table; `revert` is drift that a policy takes back.
        base, live, file: The three values; None where absent.
        result: What live is to be afterwards; for a conflict, what it is now.
    """

    path: str
    verdict: Verdict
    base: Any
    live: Any
    file: Any
    result: Any


@dataclass(frozen=True, slots=True)
class MergedJob:
    """The merge of one job that exists on all three sides.

    Attributes:
        spec: The live definition afterwards. Meaningless while there are conflicts.
        base: What the base is to be afterwards: the file, as far as nothing conflicts.
        fields: Every path where the three differ, in the order of the field table.
        forbidden: Drift that the policy does not let pass.
    """

    spec: Spec
    base: Spec
    fields: tuple[Merged, ...]
    forbidden: tuple[Merged, ...] = ()

    @property
    def conflicts(self) -> tuple[Merged, ...]:
        """The paths a person must decide."""
        return tuple(field for field in self.fields if field.verdict == "conflict")

    @property
    def drift(self) -> tuple[Merged, ...]:
        """The paths where live differs from the file and is kept."""
        return tuple(f for f in self.fields if f.verdict != "conflict" and not same(f.result, f.file))


def merge_job(base: Spec, live: Spec, file: Spec, policy: Policy = BUILT_IN, address: str = "") -> MergedJob:
    """Merge a job field by field.

    Equal inputs are the common case and cost three comparisons.

    Args:
        base: What the last sync applied.
        live: What the store holds.
        file: What the board says.
        policy: What becomes of drift and of conflicts. Of a conflict that live wins drift is left, since the
            base follows the file.
        address: The job's, for what is said of it alone.
    """
    if base == live == file:
        return MergedJob(live, base, ())
    found = tuple(_differences(base, live, file))
    fields = tuple(_decided(field, policy, address) for field in found)
    spec = dict(live)
    for field in fields:
        put(spec, field.path, field.result)
    drifted = (f for f in found if f.verdict != "conflict" and not same(f.result, f.file))
    forbidden = tuple(f for f in drifted if policy.drift_at(f.path) == "fail")
    return MergedJob(tidy(spec), file, fields, forbidden)


def merge_value(path: str, base: Any, live: Any, file: Any) -> Merged | None:
    """Merge one indivisible value; None where all three agree."""
    if same(file, live):
        return None if same(file, base) else Merged(path, "converge", base, live, file, live)
    if same(file, base):
        return Merged(path, "keep", base, live, file, live)
    if same(live, base):
        return Merged(path, "take", base, live, file, file)
    return Merged(path, "conflict", base, live, file, live)


def same(one: Any, other: Any) -> bool:
    """Type-strict equality: 1 is not true, though Python thinks so."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _decided(found: Merged, policy: Policy, address: str) -> Merged:
    side = policy.settled.get(f"{address}:{found.path}") if policy.settled else None
    if side == "file":
        return replace(found, verdict="revert", result=found.file)
    if side == "live":
        return replace(found, verdict="keep", result=found.live)
    if found.verdict != "conflict":
        return found if same(found.result, found.file) else _reverted(found, policy.drift_at(found.path))
    on_conflict = policy.conflict_at(found.path, address)
    if on_conflict == "file":
        return replace(found, verdict="take", result=found.file)
    return replace(found, verdict="keep", result=found.live) if on_conflict == "live" else found


def _reverted(found: Merged, on_drift: OnDrift) -> Merged:
    """Drift after its policy. Of a set, `revert` brings back what the file names and leaves the rest."""
    result = found.result
    if on_drift == "exact":
        result = found.file
    elif on_drift == "revert" and found.file is not MISSING:
        named_only = found.path in FIELDS and FIELDS[found.path].kind == "set"
        result = sorted({*(result or ()), *found.file}) if named_only else found.file
    return found if same(result, found.result) else replace(found, verdict="revert", result=result)


def _differences(base: Spec, live: Spec, file: Spec) -> Iterator[Merged]:
    present = {**base, **live, **file}
    unknown = sorted(name for name in present if name not in FIELDS)
    for name in [*(name for name in FIELDS if name in present), *unknown]:
        three = base.get(name), live.get(name), file.get(name)
        kind = FIELDS[name].kind if name in FIELDS else "unknown"
        if kind == "map":
            yield from _map(name, *three)
        elif kind == "set":
            yield from _set(name, *three)
        elif kind == "unknown":
            # Written by a newer version: it is not ours to judge, so it stays as it is.
            continue
        elif (found := merge_value(name, *three)) is not None:
            yield found


def _map(name: str, base: Any, live: Any, file: Any) -> Iterator[Merged]:
    base, live, file = base or {}, live or {}, file or {}
    for key in sorted({**base, **live, **file}):
        found = merge_value(f"{name}.{key}", base.get(key), live.get(key), file.get(key))
        if found is not None:
            yield found


def _set(name: str, base: Any, live: Any, file: Any) -> Iterator[Merged]:
    before, now, wanted = frozenset(base or ()), frozenset(live or ()), frozenset(file or ())
    if before == now == wanted:
        return
    result = {element for element in before | now | wanted if _belongs(element, before, now, wanted)}
    verdict: Verdict = "converge"
    if result != now:
        verdict = "take"
    elif result != wanted:
        verdict = "keep"
    yield Merged(name, verdict, base, live, file, sorted(result) or MISSING)


def _belongs(element: Any, before: frozenset[Any], now: frozenset[Any], wanted: frozenset[Any]) -> bool:
    in_file, in_live = element in wanted, element in now
    if in_file == in_live:
        return in_file
    return in_live if in_file == (element in before) else in_file


def put(spec: dict[str, Any], path: str, value: Any) -> None:
    """Give a path of a spec a value; `MISSING` takes it out."""
    name, _, key = path.partition(".")
    if not key:
        if value is MISSING:
            spec.pop(name, None)
        else:
            spec[name] = value
        return
    entries = dict(spec.get(name) or {})
    if value is MISSING:
        entries.pop(key, None)
    else:
        entries[key] = value
    spec[name] = entries


def tidy(spec: dict[str, Any]) -> Spec:
    """A spec without emptied maps: an empty map and an absent one are the same definition."""
    return {name: value for name, value in spec.items() if value not in ({}, [])}
