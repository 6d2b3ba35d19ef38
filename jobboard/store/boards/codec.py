"""How a definition is kept: small, exact, and readable by Lua where Lua needs to read.

A packed definition is the msgpack array ``[epoch, generation, revision, launch, spec, base]``:

- epoch: unique number, new whenever what runs or when it runs changes; `fire` compares it.
- generation: unique number, new with every write of the spec; a plan compares it.
- revision: the revision that last changed the job; 0 for one that no sync has touched.
- launch: the few facts scripts need (`launch_of`), each present only where it is not the default.
- spec: bytes, opaque to Lua; one codec byte, then a msgpack map of field number to value.
- base: the same for what the file said when last applied, holding only the fields where it differs from
  the spec (nil for "absent there"); nil when nothing differs, which is nearly always.

A job with overrides has a seventh element, and pays for them alone: launch and spec are then what is in
force, with ``u`` in launch for when the first override ends, and the seventh is ``[spec, overrides,
later]``: the definition under them, encoded like spec; the overrides, opaque to Lua; and ``[instant, launch,
spec]`` for each instant at which some of them end, so that a script knows what is in force however late it
looks.

Fields are written in the order of their numbers and maps in the order of their keys, so equal specs have
equal bytes. A field number this version does not know is kept under the name ``#NUMBER`` and written back
as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from jobboard.core.jobs.model import FIELD_BY_NUMBER, FIELDS, Definition, Spec
from jobboard.core.jobs.override import Override, first_end_ms, laid, successors
from jobboard.core.jobs.runner import queue_of
from jobboard.store.calls.wire import as_bytes, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

CODEC = b"\x01"


def encode_spec(spec: Spec) -> bytes:
    """A spec as bytes; equal specs give equal bytes."""
    return CODEC + pack(_by_number(spec))


def decode_spec(raw: bytes) -> dict[str, Any]:
    """The inverse of `encode_spec`.

    Raises:
        ValueError: The bytes were written by a codec this version does not have.
    """
    if raw[:1] != CODEC:
        raise ValueError(f"unknown codec {raw[:1]!r}")
    return _by_name(unpack(raw[1:]))


def encode_definition(definition: Definition) -> bytes:
    """A definition as the store holds it."""
    spec = definition.spec
    base = None if definition.base is spec or definition.base == spec else _encode_difference(definition)
    numbers = [definition.epoch, definition.generation, definition.revision]
    if not definition.overrides:
        return pack([*numbers, launch_of(spec), encode_spec(spec), base])
    forced = laid(definition)
    launch = launch_of(forced)
    if (end_ms := first_end_ms(definition.overrides)) is not None:
        launch["u"] = end_ms
    later = [[at_ms, launch_of(then), encode_spec(then)] for at_ms, then in successors(definition)]
    over = [encode_spec(spec), _encode_overrides(definition.overrides), later]
    return pack([*numbers, launch, encode_spec(forced), base, over])


def decode_definition(raw: bytes) -> Definition:
    """The inverse of `encode_definition`; fields a newer version appended are ignored."""
    epoch, generation, revision, _, packed, difference, *more = unpack(raw)[:7]
    overrides: tuple[Override, ...] = ()
    if more and more[0]:
        packed, over, _ = more[0]
        overrides = _decode_overrides(as_bytes(over))
    spec = decode_spec(as_bytes(packed))
    if difference is None:
        return Definition(epoch, generation, revision, spec, spec, overrides)
    base = dict(spec)
    for name, value in decode_spec(as_bytes(difference)).items():
        if value is None:
            base.pop(name, None)
        else:
            base[name] = value
    return Definition(epoch, generation, revision, spec, base, overrides)


def launch_of(spec: Spec) -> dict[str, Any]:
    """What scripts need of a spec: q queue, p priority, l locks as name, capacity, …; o overlap, a parents,
    e how they have to end, n jobs that its runs wait for, d disabled, r greatest number of runs, g tags,
    x what a lost attempt means, c all that was missed is caught up, w start_within, f finish_by, k whether a
    late run is called off, y expected_every, z how long output is kept and of how many runs, i delay and when
    it stops. Defaults are left out; u, when the first override ends, is no part of a spec and added by
    `encode_definition`.
    """
    launch: dict[str, Any] = {}
    for short, field in _LAUNCH.items():
        if field in spec:
            launch[short] = spec[field]
    if "runner" in spec.get("command", ()):
        launch["q"] = queue_of(spec)
    if locks := spec.get("locks"):
        launch["l"] = [part for name in sorted(locks) for part in (name, locks[name])]
    if spec.get("enabled") is False:
        launch["d"] = 1
    if "schedule" in spec and (asked := spec.get("after") or spec.get("needs")):
        launch["n"] = sorted(asked)
    if spec.get("catchup") == "all":
        launch["c"] = 1
    if spans := _kept(spec.get("logs", {})):
        launch["z"] = spans
    if spec.get("on_late") == "cancel":
        launch["k"] = 1
    if runs := spec.get("schedule", {}).get("runs"):
        launch["r"] = runs
    if "delay" in spec.get("schedule", {}):
        launch["i"] = [spec["schedule"][part] for part in ("delay", "stop") if part in spec["schedule"]]
    return launch


def _kept(logs: Mapping[str, Any]) -> list[int | Literal[False]]:
    """How many ms output is kept of runs that ended well, and of others, and of how many runs, where
    the job says so; empty where nothing is said.
    """
    failed = logs.get("keep_failed", logs.get("keep", False))
    good = 0 if logs.get("on_success") == "discard" else logs.get("keep", False)
    if runs := logs.get("keep_runs"):
        return [good, failed, runs]
    return [] if good is False and failed is False else [good, failed]


_LAUNCH: Mapping[str, str] = {
    "q": "queue",
    "p": "priority",
    "o": "overlap",
    "a": "after",
    "e": "on",
    "g": "tags",
    "x": "on_lost",
    "w": "start_within",
    "f": "finish_by",
    "y": "expected_every",
}


def _encode_difference(definition: Definition) -> bytes:
    spec, base = definition.spec, definition.base
    names = [name for name in {**spec, **base} if spec.get(name) != base.get(name)]
    return CODEC + pack({_number(name): base.get(name) for name in sorted(names, key=_number)})


def _encode_overrides(overrides: tuple[Override, ...]) -> bytes:
    return CODEC + pack([[o.path, o.value, o.reason, o.by, o.via, o.at_ms, o.until_ms] for o in overrides])


def _decode_overrides(raw: bytes) -> tuple[Override, ...]:
    if raw[:1] != CODEC:
        raise ValueError(f"unknown codec {raw[:1]!r}")
    return tuple(Override(*row[:7]) for row in unpack(raw[1:]))


def _by_number(spec: Spec) -> dict[int, Any]:
    return {_number(name): _ordered(spec[name]) for name in sorted(spec, key=_number)}


def _number(name: str) -> int:
    return int(name[1:]) if name.startswith("#") else FIELDS[name].number


def _ordered(value: Any) -> Any:
    """Maps in the order of their keys, at every depth: the order of writing is no difference."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return value


def _by_name(numbered: Mapping[int, Any]) -> dict[str, Any]:
    return {FIELD_BY_NUMBER.get(number) or f"#{number}": value for number, value in numbered.items()}
