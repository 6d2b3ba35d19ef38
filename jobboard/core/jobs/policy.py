"""What becomes of drift and of conflicts: by flag, else as the board says, else its environment, else its
project, else as built in; each for every field, or for a single one.

Drift is what somebody changed live and the file did not:

==========  ====================================================================================
keep        it stays, and every plan shows it (built in)
revert      the file wins wherever it says something; what it says nothing about stays
exact       the file is the whole truth
fail        nothing is written
==========  ====================================================================================

A conflict, where both changed: ``fail`` leaves it to a person (built in), ``file`` takes the file's value,
``live`` keeps the live one. That is drift from then on, so it goes with neither ``revert`` nor ``exact``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.core.jobs.resolve import COMMANDS
from jobboard.core.times.timing import KINDS, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OnDrift: TypeAlias = Literal["keep", "revert", "exact", "fail"]
OnConflict: TypeAlias = Literal["fail", "file", "live"]

FIELD_OF_KEY: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(COMMANDS, "command"),
        **{key: "schedule" for key in (*KINDS, *OPTIONS) if key != "after"},
    }
)
"""The field that a key of a job is part of, where that is not the field of its own name."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for the jobs of one board, or for one of them.

    Attributes:
        on_drift, on_conflict: For every field that has no rule of its own.
        fields: Field name to the policy of that field, complete.
        forced: Conflicts the file wins whatever else is said, as ``board/job:path``.
        settled: Paths of which one side's value is taken so that jobs hold together; see `core.plans.clash`.
    """

    on_drift: OnDrift = "keep"
    on_conflict: OnConflict = "fail"
    fields: Mapping[str, Policy] = field(default_factory=dict)
    forced: frozenset[str] = frozenset()
    settled: Mapping[str, Literal["file", "live"]] = field(default_factory=dict)

    @classmethod
    def of_layers(cls, layers: Iterable[Mapping[str, Any]]) -> Policy:
        """The policy that ``reconcile`` keys state together, each of valid shape, the lowest first.

        What a layer says for every field wins over what one below says for a single one.
        """
        policy = cls()
        for layer in layers:
            general = {key: layer[key] for key in ("on_drift", "on_conflict") if key in layer}
            given = {name: replace(rule, **general) for name, rule in policy.fields.items()}
            policy = replace(policy, fields={}, **general)
            for key, rule in layer.get("fields", {}).items():
                name = FIELD_OF_KEY.get(key, key)
                given[name] = replace(given.get(name, policy), **rule)
            policy = replace(policy, fields=given)
        return policy

    def by_flag(
        self, on_drift: OnDrift | None, on_conflict: OnConflict | None, forced: frozenset[str] = frozenset()
    ) -> Policy:
        """This policy with what a command line says on top: a flag wins over every field's own rule."""
        flags: dict[str, Any] = {}
        if on_drift is not None:
            flags["on_drift"] = on_drift
        if on_conflict is not None:
            flags["on_conflict"] = on_conflict
        fields = {name: replace(rule, **flags) for name, rule in self.fields.items()}
        return replace(self, fields=fields, forced=forced, **flags)

    def drift_at(self, path: str) -> OnDrift:
        """What becomes of drift at a path: ``timeout``, ``env.PATH``."""
        return self.fields.get(path.partition(".")[0], self).on_drift

    def conflict_at(self, path: str, address: str = "") -> OnConflict:
        """What becomes of a conflict at a path of a job."""
        if self.forced and f"{address}:{path}" in self.forced:
            return "file"
        return self.fields.get(path.partition(".")[0], self).on_conflict

    @property
    def contradiction(self) -> OnDrift | None:
        """What would overwrite at the next sync the live value this one keeps; None where nothing would."""
        for rule in (self, *self.fields.values()):
            if rule.on_conflict == "live" and rule.on_drift in ("revert", "exact"):
                return rule.on_drift
        return None


BUILT_IN = Policy()
