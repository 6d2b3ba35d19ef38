"""From a job as written to its canonical spec: defaults laid under it, every value read, nothing redundant.

A job arrives as plain values of valid shape (`source.schema`); what is wrong with its meaning comes back as
faults, all of them. A spec never depends on how something was written, only on what it says: moving a value
from a board's defaults into a job, or writing ``60s`` for ``1m``, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.model import FIELDS, Spec
from jobboard.core.names import address_of, is_name
from jobboard.core.timing import KINDS, OPTIONS, compose_schedule
from jobboard.core.value import BROKEN, READERS, read_keys, read_zone

VERSION: Final = 1
"""Raised whenever the same text comes to mean another spec: a digest of a file's bytes includes it."""

COMMANDS = ("run", "exec")
_MAPS = frozenset(name for name, known in FIELDS.items() if known.kind == "map")
_POLICIES = ("retries", "defer")
_OPTIONS_OF_OTHERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cron": ("phase",),
        "every": ("timezone", "seconds", "days"),
        "at": ("phase", "timezone", "seconds", "days"),
        "after": OPTIONS,
    }
)
_APART = frozenset((*COMMANDS, *KINDS, *OPTIONS))
_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        name: list(known.default) if isinstance(known.default, tuple) else known.default
        for name, known in FIELDS.items()
    }
)


class Resolver:
    """Resolves the jobs of one board; its defaults are read once.

    Args:
        board: The board's name; `after` names without a board mean jobs of this one.
        defaults: The board's `defaults`, of valid shape.
        timezone: The board's zone; None is UTC.

    Attributes:
        faults: What is wrong with the defaults and the zone, by path from the board's root.
    """

    def __init__(
        self, board: str, defaults: Mapping[str, Any] = MappingProxyType({}), timezone: Any = None
    ) -> None:
        faults: list[Fault] = []
        read = read_keys(defaults, faults)
        self.faults = [fault.under("defaults") for fault in faults]
        self._board = board
        self._timezone = timezone
        if isinstance(timezone, str):
            self._timezone = read_zone(timezone, ("timezone",), self.faults)
        self._jitter_ms = read.pop("jitter", None)
        self._maps = {name: read[name] for name in _MAPS & read.keys() if isinstance(read[name], Mapping)}
        self._fields: dict[str, Any] = {}
        for key, value in read.items():
            self._put(self._fields, key, value)

    def job(self, name: str, raw: Mapping[str, Any]) -> tuple[Spec, list[Fault]]:
        """The canonical spec of a job, and what is wrong with it by path from the job's root.

        Args:
            name: The job's name.
            raw: The job's keys; one that is `BROKEN` has been complained about already, and nothing that only
                follows from it is.
        """
        faults: list[Fault] = []
        return self.compose(name, read_keys(raw, faults), faults), faults

    def compose(self, name: str, own: Mapping[str, Any], faults: list[Fault]) -> Spec:
        """The spec that a job's own keys, already read, make together with the board's defaults."""
        spec = dict(self._fields)
        for key, value in own.items():
            if key not in _APART:
                self._put(spec, key, value)
        self._add(spec, "command", _command(name, own, faults))
        self._add(spec, "schedule", compose_schedule(own, self._timezone, self._jitter_ms, faults))
        self._add(spec, "after", self._parents(own.get("after")))
        return spec

    def _put(self, spec: dict[str, Any], key: str, value: Any) -> None:
        """Give a field its value; one that says nothing, or what is built in, is left out."""
        spec.pop(key, None)
        if key in _MAPS and isinstance(value, Mapping):
            merged = {**self._maps.get(key, {}), **value}
            value = {name: merged[name] for name in sorted(merged) if merged[name] is not None}
        if value != _DEFAULTS[key] and (value or value in (0, False)):
            self._add(spec, key, value)

    @staticmethod
    def _add(spec: dict[str, Any], key: str, value: Any) -> None:
        if value is not None and value is not BROKEN:
            spec[key] = value

    def _parents(self, names: Any) -> Any:
        if names is None or names is BROKEN:
            return None
        return sorted({address_of(self._board, name) if is_name(name) else name for name in names})


def _command(name: str, own: Mapping[str, Any], faults: list[Fault]) -> Any:
    given = [key for key in COMMANDS if key in own]
    if len(given) == 1:
        return BROKEN if own[given[0]] is BROKEN else {given[0]: own[given[0]]}
    if given:
        faults.append(KeyFault(("exec",), '"exec" beside "run": a job has one command', "Keep one of them"))
    else:
        hint = "Write  run: COMMAND  or  exec: [PROGRAM, ARGUMENT]"
        faults.append(Fault((), f'job "{name}" has no command', hint))
    return BROKEN


def resolve_job(
    raw: Mapping[str, Any],
    *,
    board: str,
    name: str,
    defaults: Mapping[str, Any] = MappingProxyType({}),
    timezone: str | None = None,
) -> tuple[Spec, list[Fault]]:
    """The canonical spec of one job; see `Resolver`. Faults of the defaults are under ``defaults``."""
    resolver = Resolver(board, defaults, timezone)
    spec, faults = resolver.job(name, raw)
    return spec, [*resolver.faults, *faults]


def resolve_assignment(
    key: str, raw_value: Any, spec: Spec, *, board: str, name: str, timezone: str | None = None
) -> tuple[Spec, list[Fault]]:
    """A definition in force with one key set, as a live edit does it.

    Args:
        key: A key of a job, or a path into a map or a policy: ``timeout``, ``env.LANG``, ``retries.max``.
        raw_value: What was written for it, of valid shape; None takes it back to its built-in default.
        spec: The definition in force.
        board: The board of the job.
        name: The job's name.
        timezone: The zone of local times, for a definition that holds none.

    Returns:
        The new spec and what is wrong with it. A command replaces the other kind of command, and a schedule
        the other kind of schedule.
    """
    faults: list[Fault] = []
    own = _as_keys(spec)
    head, _, part = key.partition(".")
    if head not in READERS:
        return spec, [KeyFault((head,), f'unknown key "{head}"')]
    if part:
        value = _with_part(head, part, raw_value, own.get(head, {}), faults)
    elif raw_value is None:
        value = None
    else:
        value = read_keys({head: raw_value}, faults)[head]
    _displace(own, head, value)
    unknown = {field: kept for field, kept in spec.items() if field not in FIELDS}
    return {**Resolver(board, timezone=timezone).compose(name, own, faults), **unknown}, faults


def _as_keys(spec: Spec) -> dict[str, Any]:
    """A spec as the keys that make it up, read already: the inverse of `Resolver.compose`."""
    own = {name: value for name, value in spec.items() if name in FIELDS}
    schedule = own.pop("schedule", {})
    own.update(own.pop("command", {}))
    own.update(schedule)
    if "cron" in schedule:
        own.setdefault("timezone", "UTC")
    return own


def _with_part(head: str, part: str, raw_value: Any, current: Mapping[str, Any], faults: list[Fault]) -> Any:
    """A map or policy with one of its keys set, or taken out by None."""
    if head not in _MAPS and head not in _POLICIES:
        faults.append(KeyFault((head,), f'"{head}" has no parts', f"Write  {head}=VALUE"))
        return BROKEN
    kept = {name: value for name, value in current.items() if name != part}
    if raw_value is None:
        return kept
    found: list[Fault] = []
    read = read_keys({head: {part: raw_value}}, found)[head]
    faults.extend(fault for fault in found if fault.severity == "error")
    return BROKEN if read is BROKEN else {**kept, **read}


def _displace(own: dict[str, Any], head: str, value: Any) -> None:
    """Set one key, and take out those that cannot stand beside it."""
    gone = {head}
    if head in COMMANDS:
        gone.update(COMMANDS)
    elif head in KINDS:
        gone.update(KINDS, _OPTIONS_OF_OTHERS.get(head, ()), OPTIONS if value is None else ())
    elif head == "for":
        gone.add("stop")
    elif head == "start":
        gone.add("phase")
    for key in gone:
        own.pop(key, None)
    if value is not None:
        own[head] = value
