"""From a job as written to its canonical spec: defaults laid under it, every value read, nothing redundant.

A job arrives as plain values of valid shape (`source.schema`); what is wrong with its meaning comes back as
faults, all of them. A spec never depends on how something was written, only on what it says: moving a value
from a board's defaults into a job, or writing ``60s`` for ``1m``, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN
from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.jobs.model import FIELDS, MOST_IN_REDIS, Spec, built_in_logs
from jobboard.core.jobs.value import READERS, read_keys
from jobboard.core.jobs.value.when import read_zone
from jobboard.core.names import address_of, is_name
from jobboard.core.size import format_size
from jobboard.core.times.timing import KINDS, OF_DELAY, OPTIONS, compose_schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jobboard.core.diagnostic import Path
    from jobboard.core.times.exclude import Calendars

COMMANDS = ("run", "exec", "http", "call", "runner")
EXTEND = "extend"
"""The key that names a job's profiles; resolved here, and no part of a spec."""
_MAPS = frozenset(name for name, known in FIELDS.items() if known.kind == "map")
_POLICIES = ("retries", "defer")
# They say how an expression is read, and go where it goes.
_OF_CRON = ("seconds", "days")
_OPTIONS_OF_OTHERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cron": ("phase", "decay", "window"),
        "every": ("window", *_OF_CRON),
        "at": ("phase", "decay", "timezone", "window", *_OF_CRON),
        "repeat": ("phase", "decay", "window", *_OF_CRON),
        "delay": tuple(option for option in OPTIONS if option not in OF_DELAY),
        "after": tuple(option for option in OPTIONS if option not in ("window", "timezone")),
    }
)
# What only some commands are given; nothing of it is left beside another.
GIVEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"args": ("call",), "with": ("call", "runner"), "warm": ("call", "http", "runner")}
)
_APART = frozenset((*COMMANDS, *KINDS, *OPTIONS))
_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        name: list(known.default) if isinstance(known.default, tuple) else known.default
        for name, known in FIELDS.items()
    }
)


@dataclass(slots=True)
class _Base:
    """What layers below a job say, folded into one: fields, whole maps, and keys that make up other fields.

    Attributes:
        fields: Canonical, without what is built in.
        maps: Maps with the keys taken back by None, which a layer above may give again.
        apart: Keys of the command and the schedule.
        jitter_ms: Of the defaults: for jobs that have a schedule.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    maps: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    apart: dict[str, Any] = field(default_factory=dict)
    jitter_ms: Any = None

    def over(self, layer: Mapping[str, Any], *, defaults: bool = False) -> _Base:
        """This with a layer of read keys on top."""
        base = _Base(dict(self.fields), dict(self.maps), dict(self.apart), self.jitter_ms)
        for key, value in layer.items():
            if key in _APART:
                _lay_apart(base, key, value, defaults=defaults)
                continue
            put(base.fields, key, value, base.maps)
            if key in _MAPS:
                base.maps[key] = {**base.maps.get(key, {}), **value} if isinstance(value, Mapping) else {}
        return base

    def inherited(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """A job's own keys with those of the command and the schedule that layers below it add."""
        kept = dict(self.apart)
        for key in own:
            for rival in (key, *_rivals(key), *(_OF_CRON if key == "cron" else ())):
                kept.pop(rival, None)
        kinds = [kind for kind in KINDS if kind in own or kind in kept]
        idle = _OPTIONS_OF_OTHERS.get(kinds[0], ()) if kinds else OPTIONS
        if kinds[:1] == ["after"] and "window" not in {**kept, **own}:
            idle = (*idle, "timezone")
        return {**{key: value for key, value in kept.items() if key not in idle}, **own}


def _lay_apart(base: _Base, key: str, value: Any, *, defaults: bool) -> None:
    if defaults and key == "jitter":
        base.jitter_ms = value
        return
    for rival in _rivals(key):
        base.apart.pop(rival, None)
    base.apart[key] = value


class Resolver:
    """Resolves the jobs of one board; what lies below them is read once.

    Args:
        board: The board's name; `after` names without a board mean jobs of this one.
        defaults: The board's `defaults`, of valid shape.
        timezone: The board's zone; None is UTC.
        project_defaults: Those of the project, read: below the board's own.
        project_profiles: Those of the project, read.
        queues: Queue -> what holds for jobs of it, read: above the project's defaults, below the board's.
        profiles: The board's own, of valid shape; one replaces the project's of the same name.
        calendars: What jobs may leave out by a name.

    Attributes:
        faults: What is wrong with the defaults, the profiles and the zone, by path from the board's root.
        extended: The profiles that a job has extended so far.
    """

    def __init__(
        self,
        board: str,
        defaults: Mapping[str, Any] = MappingProxyType({}),
        timezone: Any = None,
        *,
        project_defaults: Mapping[str, Any] = MappingProxyType({}),
        project_profiles: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        queues: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        profiles: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        calendars: Calendars = MappingProxyType({}),
    ) -> None:
        self._calendars = calendars
        self.faults: list[Fault] = []
        self.extended: set[str] = set()
        self._board = board
        self._timezone = timezone
        self._profiles = {**project_profiles}
        self._queues = queues
        self._lowest = _Base().over(project_defaults, defaults=True) if project_defaults else _Base()
        self._defaults = self._read(defaults, "defaults")
        self._base = self._lowest.over(self._defaults, defaults=True)
        for name, keys in profiles.items():
            self._profiles[name] = self._read(keys, "profiles", name)
        if isinstance(timezone, str):
            self._timezone = read_zone(timezone, ("timezone",), self.faults)
        self._bases: dict[tuple[str | None, tuple[str, ...]], _Base] = {(None, ()): self._base}

    def _read(self, keys: Mapping[str, Any], *path: str) -> dict[str, Any]:
        faults: list[Fault] = []
        read = read_keys(keys, faults)
        self.faults += [fault.under(*path) for fault in faults]
        return read

    def job(self, name: str, raw: Mapping[str, Any]) -> tuple[Spec, list[Fault]]:
        """The canonical spec of a job, and what is wrong with it by path from the job's root.

        Args:
            name: The job's name.
            raw: The job's keys; one that is `BROKEN` has been complained about already, and nothing that only
                follows from it is.
        """
        faults: list[Fault] = []
        extended: tuple[str, ...] = ()
        if EXTEND in raw:
            extended = self._known(raw[EXTEND], faults)
            raw = {key: value for key, value in raw.items() if key != EXTEND}
        own = read_keys(raw, faults)
        base = self._below(None, extended)
        if self._queues:
            queue = own["queue"] if "queue" in own else base.fields.get("queue")
            base = self._below(_DEFAULTS["queue"] if queue is None else queue, extended)
        return self.compose(name, own, faults, base), faults

    def compose(
        self, name: str, own: Mapping[str, Any], faults: list[Fault], base: _Base | None = None
    ) -> Spec:
        """The spec that a job's own keys, already read, make together with what lies below them."""
        base = base or self._base
        spec = dict(base.fields)
        for key, value in own.items():
            if key not in _APART:
                put(spec, key, value, base.maps)
        if own.get("on_late") is not None and "finish_by" not in spec:
            faults.append(
                KeyFault(("on_late",), '"on_late" means nothing without "finish_by"', "Add  finish_by: 2h")
            )
        if spec.get("logs", {}).get("max_size", 0) > MOST_IN_REDIS and spec["logs"].get("to") != "files":
            message = f"more than {format_size(MOST_IN_REDIS)} of an attempt's output is kept in files alone"
            faults.append(Fault(("logs", "max_size"), message, "Add  to: files"))
        if base.apart:
            own = base.inherited(own)
        _add(spec, "command", _command(name, own, faults))
        _drop_idle(spec, own, faults)
        schedule = compose_schedule(own, self._timezone, base.jitter_ms, faults, self._calendars)
        _add(spec, "schedule", schedule)
        self._add_parents(spec, own.get("after"))
        if "needs" in spec:
            spec["needs"] = self._gate(spec, faults)
        return spec

    def _known(self, asked: Any, faults: list[Fault]) -> tuple[str, ...]:
        """Of the profiles that a job extends those that there are; others are complained about."""
        listed = [asked] if isinstance(asked, str) else asked
        names = tuple(listed) if isinstance(listed, list) else ()
        known = tuple(name for name in names if name in self._profiles)
        self.extended.update(known)
        if len(known) < len(names):
            faults.extend(_unknown_profiles(names, asked, self._profiles))
        return known

    def _below(self, queue: Any, extended: tuple[str, ...]) -> _Base:
        """What lies below a job of a queue: defaults, and over them the profiles it extends, one by one."""
        key = (queue if queue in self._queues else None, extended)
        if key not in self._bases:
            base = self._base
            if key[0] is not None:
                base = self._lowest.over(self._queues[key[0]], defaults=True)
                base = base.over(self._defaults, defaults=True)
            for name in extended:
                base = base.over(self._profiles[name])
            self._bases[key] = base
        return self._bases[key]

    def _add_parents(self, spec: dict[str, Any], parents: Any) -> None:
        """Add the jobs that one runs after, and how they have to end where that is not with success."""
        if parents is None or parents is BROKEN:
            return
        ends = {self._address(name): end for name, end in parents.items()}
        spec["after"] = sorted(ends)
        otherwise = {parent: ends[parent] for parent in sorted(ends) if ends[parent] != "success"}
        _add(spec, "on", otherwise or None)

    def _gate(self, spec: Spec, faults: list[Fault]) -> dict[str, Any]:
        """What the job asks of others, by their addresses."""
        if "after" in spec:
            hint = "Write all of them in after"
            faults.append(KeyFault(("needs",), '"needs" beside "after": both say what it waits for', hint))
        elif "schedule" not in spec:
            hint = "Add  cron,  every  or another schedule, or write after in its place"
            message = '"needs" means nothing without a schedule: it lets a run wait at its nominal'
            faults.append(KeyFault(("needs",), message, hint))
        return {self._address(name): spec["needs"][name] for name in sorted(spec["needs"])}

    def _address(self, name: str) -> str:
        return address_of(self._board, name) if is_name(name) else name


def put(spec: dict[str, Any], key: str, value: Any, maps: Mapping[str, Mapping[str, Any]]) -> None:
    """Give a field its value; one that says nothing, or what is built in, is left out.

    Args:
        spec: Where to.
        key: The field.
        value: What was written for it, read.
        maps: What lies below, for fields that merge key by key.
    """
    spec.pop(key, None)
    if key in _MAPS and isinstance(value, Mapping):
        merged = {**maps.get(key, {}), **value}
        built_in = built_in_logs(merged) if key == "logs" else {}
        value = {
            name: merged[name]
            for name in sorted(merged)
            if merged[name] is not None and merged[name] != built_in.get(name)
        }
    if value != _DEFAULTS[key] and (value or value in (0, False)):
        _add(spec, key, value)


def _add(spec: dict[str, Any], key: str, value: Any) -> None:
    if value is not None and value is not BROKEN:
        spec[key] = value


def _unknown_profiles(names: Sequence[str], asked: Any, known: Iterable[str]) -> list[Fault]:
    listed = sorted(known)
    faults: list[Fault] = []
    for index, name in enumerate(names):
        if name in listed:
            continue
        near = get_close_matches(name, listed, n=1)
        hint = f'Did you mean "{near[0]}"?' if near else f"There are  {', '.join(listed)}" if listed else None
        path: Path = (EXTEND, index) if isinstance(asked, list) else (EXTEND,)
        message = f'there is no profile "{name}"'
        faults.append(Fault(path, message, hint or "Write it below  profiles:  of the board or the project"))
    return faults


def _command(name: str, own: Mapping[str, Any], faults: list[Fault]) -> Any:
    given = [key for key in COMMANDS if key in own]
    if len(given) == 1:
        return BROKEN if own[given[0]] is BROKEN else {given[0]: own[given[0]]}
    if given:
        message = f'"{given[1]}" beside "{given[0]}": a job has one command'
        faults.append(KeyFault((given[1],), message, "Keep one of them"))
    else:
        hint = "Write  run: COMMAND  or  exec: [PROGRAM, ARGUMENT]"
        faults.append(Fault((), f'job "{name}" has no command', hint))
    return BROKEN


def _drop_idle(spec: dict[str, Any], own: Mapping[str, Any], faults: list[Fault]) -> None:
    """Take out what the command of a job is not given; a job that says so itself is told."""
    command = spec.get("command")
    for key, takers in GIVEN.items():
        if key not in spec or command is None or command.keys() & set(takers):
            continue
        del spec[key]
        if own.get(key) is not None:
            message = f'"{key}" means nothing beside "{next(iter(command))}"'
            faults.append(KeyFault((key,), message, f"Take it out; it goes with  {' or '.join(takers)}"))


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
    own = as_keys(spec)
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
    unsaid = {field: kept for field, kept in spec.items() if field not in FIELDS or field == "seed"}
    return {**Resolver(board, timezone=timezone).compose(name, own, faults), **unsaid}, faults


def as_keys(spec: Spec) -> dict[str, Any]:
    """A spec as the keys that make it up, read already: the inverse of `Resolver.compose`."""
    own = {name: value for name, value in spec.items() if name in FIELDS and name != "seed"}
    schedule = own.pop("schedule", {})
    ends = own.pop("on", {})
    if "after" in own and schedule:
        own["window"] = schedule["cron"]
        own["timezone"] = schedule.get("timezone", "UTC")
        schedule = {}
    if "after" in own:
        own["after"] = {parent: ends.get(parent, "success") for parent in own["after"]}
    own.update(own.pop("command", {}))
    own.update(schedule)
    if {"cron", "repeat", "exclude"} & schedule.keys():
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


def _rivals(head: str) -> tuple[str, ...]:
    """The keys that cannot stand beside one."""
    if head in COMMANDS:
        return COMMANDS
    if head in KINDS:
        return (*KINDS, *_OPTIONS_OF_OTHERS.get(head, ()))
    return {"for": ("stop",), "stop": ("for",), "start": ("phase",)}.get(head, ())


def _displace(own: dict[str, Any], head: str, value: Any) -> None:
    """Set one key, and take out those that cannot stand beside it; without a kind, no option of it either."""
    for key in (head, *_rivals(head), *(OPTIONS if head in KINDS and value is None else ())):
        own.pop(key, None)
    if head == "after" and "window" not in own:
        own.pop("timezone", None)
    if head in COMMANDS:
        for key in [key for key, takers in GIVEN.items() if head not in takers]:
            own.pop(key, None)
    if value is not None:
        own[head] = value
