"""Overrides: values laid over a job's definition for a time, which no sync touches.

The definition (`Definition.spec`) is what is reconciled with the file; what runs is the definition with its
overrides on top. An override says a value for one path, or that the path is to be absent; it has a reason
and, as a rule, an end, after which the definition's own value is in force again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.merge import put, tidy
from jobboard.core.jobs.model import FIELDS
from jobboard.core.jobs.policy import FIELD_OF_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobboard.core.jobs.model import Definition, Spec

FIXED = frozenset({"after", "needs", "on", "protected"})
"""Fields that are no matter of a while: other jobs and syncs go by what they say."""


@dataclass(frozen=True, slots=True)
class Override:
    """One value that is laid over a definition.

    Attributes:
        path: Field name, with the key after a dot inside a map: ``timeout``, ``env.PATH``.
        value: Canonical; None for "absent", which is the built-in default.
        reason: Why.
        by, via: Who set it, through what.
        at_ms: When it was set.
        until_ms: When it ends; None for "when it is cleared".
    """

    path: str
    value: Any
    reason: str
    by: str
    via: str
    at_ms: int
    until_ms: int | None = None

    def ended(self, now_ms: int) -> bool:
        """Whether it no longer counts."""
        return self.until_ms is not None and self.until_ms <= now_ms


def lay(spec: Spec, overrides: Iterable[Override]) -> Spec:
    """A definition with overrides on top."""
    laid = dict(spec)
    for override in overrides:
        put(laid, override.path, override.value)
        if override.path == "schedule" and override.value is not None:
            # A job runs by the clock or after others, never both.
            laid.pop("after", None)
            laid.pop("on", None)
    return tidy(laid)


def laid(definition: Definition) -> Spec:
    """What is in force while no override has ended: what the due set is kept in line with."""
    return lay(definition.spec, definition.overrides) if definition.overrides else definition.spec


def in_force(definition: Definition, now_ms: int) -> Spec:
    """What runs at an instant: overrides that have ended by then do not count."""
    if not definition.overrides:
        return definition.spec
    return lay(definition.spec, lasting(definition, now_ms))


def lasting(definition: Definition, now_ms: int) -> tuple[Override, ...]:
    """The overrides that have not ended at an instant."""
    return tuple(override for override in definition.overrides if not override.ended(now_ms))


def first_end_ms(overrides: Iterable[Override]) -> int | None:
    """When the first of them ends; None where none does by itself."""
    return min((o.until_ms for o in overrides if o.until_ms is not None), default=None)


def periods(definition: Definition, now_ms: int) -> list[tuple[int | None, Spec, int | None]]:
    """What is in force from now on: from when (None for now), what, and up to when (None for good)."""
    begins: list[tuple[int | None, Spec]] = [(None, in_force(definition, now_ms))]
    begins += [(at_ms, spec) for at_ms, spec in successors(definition) if at_ms > now_ms]
    ends = [*(at_ms for at_ms, _ in begins[1:]), None]
    return [(at_ms, spec, end_ms) for (at_ms, spec), end_ms in zip(begins, ends, strict=True)]


def outlook(
    definitions: Mapping[str, Definition], now_ms: int
) -> tuple[dict[str, Spec], dict[str, list[tuple[int, Spec]]]]:
    """What is in force of each job at an instant, and what comes after that, from when; by address."""
    now, later = dict[str, Any](), dict[str, list[tuple[int, Any]]]()
    for address, definition in definitions.items():
        now[address] = in_force(definition, now_ms)
        comes = [(at_ms, spec) for at_ms, spec in successors(definition) if at_ms > now_ms]
        if comes:
            later[address] = comes
    return now, later


def successors(definition: Definition) -> list[tuple[int, Spec]]:
    """What comes into force by the end of overrides alone: from when, and what; in order of time."""
    ends = sorted({o.until_ms for o in definition.overrides if o.until_ms is not None})
    return [(end_ms, in_force(definition, end_ms)) for end_ms in ends]


def paths_of_key(key: str, before: Spec, after: Spec) -> list[str]:
    """The paths that a key of a board stands for: ``cron`` for the schedule, ``env`` for each variable.

    Args:
        key: As written: ``timeout``, ``cron``, ``env``, ``env.LANG``, ``retries.max``.
        before: The definition in which it was set; a whole map has the keys of both.
        after: The definition that came of it.
    """
    head, _, part = key.partition(".")
    field = FIELD_OF_KEY.get(head, head)
    if field not in FIELDS or FIELDS[field].kind != "map":
        return [field]
    parts = [part] if part else sorted({**before.get(field, {}), **after.get(field, {})})
    return [f"{field}.{name}" for name in parts]


def value_at(spec: Spec, path: str) -> Any:
    """What a definition says at a path; None where it says nothing."""
    name, _, key = path.partition(".")
    value = spec.get(name)
    return value.get(key) if key and isinstance(value, dict) else None if key else value


def replaced(overrides: Sequence[Override], put_on: Sequence[Override]) -> tuple[Override, ...]:
    """Overrides with others set: a path has one at most."""
    new = {override.path for override in put_on}
    kept = [override for override in overrides if override.path not in new]
    return tuple(sorted([*kept, *put_on], key=lambda override: override.path))
