"""A definition as the keys that a board would write for it: the inverse of reading them.

Spans, sizes and instants are text again. What comes out means the same wherever no defaults lie below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.model import UNLIMITED
from jobboard.core.jobs.resolve import as_keys
from jobboard.core.jobs.value.when import WINDOWS
from jobboard.core.size import format_size
from jobboard.core.times.duration import format_duration
from jobboard.core.times.instant import format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobboard.core.jobs.model import Spec

SPANS = frozenset(
    {
        *("every", "delay", "phase", "jitter", "timeout", "kill_after", "heartbeat"),
        *("late_after", "catchup_window", "start_within", "finish_by", "expected_every"),
    }
)
"""Keys whose values are spans, in ms once they are read."""
_INSTANTS = frozenset({"start", "stop"})
SPANS_WITHIN = {
    "jitter": frozenset({"max"}),
    "decay": frozenset({"step", "min", "max"}),
    "retries": frozenset({"delay", "max_delay", "jitter"}),
    "defer": frozenset({"delay"}),
    "limits": frozenset({"cpu"}),
    "logs": frozenset({"keep", "keep_failed"}),
}
"""By key of a map, those of its own keys whose values are spans."""
_COUNTS_WITHIN = frozenset({"files"})


def unit_of(path: str) -> str | None:
    """What the number at a path counts: ``ms`` of a span, ``bytes`` of a size; None where it is neither."""
    key, _, name = path.partition(".")
    waits = key == "needs" and name.endswith(".timeout")
    if (key in SPANS and not name) or name in SPANS_WITHIN.get(key, ()) or waits:
        return "ms"
    sized = (key == "limits" and name and name not in _COUNTS_WITHIN) or (key, name) == ("logs", "max_size")
    return "bytes" if sized else None


def units_of(spec: Spec) -> dict[str, str]:
    """What the numbers of a canonical definition count, by path; ``epoch_ms`` of an instant."""
    return {path: unit for path in _paths(spec) if (unit := _canonical_unit(path)) is not None}


def _paths(value: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, part in value.items():
        if isinstance(part, dict):
            yield from _paths(part, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _canonical_unit(path: str) -> str | None:
    name = path.removeprefix("schedule.")
    return "epoch_ms" if name != path and name in (*_INSTANTS, "at") else unit_of(name)


def written_keys(spec: Spec, board: str) -> dict[str, Any]:
    """The keys of a job of a board, each with the value that board would write."""
    keys = {key: _written(key, value) for key, value in as_keys(spec).items()}
    for key in ("after", "needs"):
        if key in keys:
            keys[key] = [_parent(name.removeprefix(f"{board}/"), said) for name, said in keys[key].items()]
    return keys


def _parent(name: str, said: Any) -> Any:
    """An entry of `after`, of which how it ends is said, or of `needs`."""
    more: dict[str, Any] = {"on": said} if isinstance(said, str) else dict(said)
    if "timeout" in more:
        more["timeout"] = format_duration(more["timeout"])
    return name if more in ({}, {"on": "success"}) else {"job": name, **more}


def _written(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _part(key, name, part) for name, part in value.items()}
    if key == "window":
        return next((name for name, cron in WINDOWS.items() if cron == value), value)
    if key == "at":
        return [format_instant(at_ms) for at_ms in value]
    if key in _INSTANTS:
        return format_instant(value)
    if key in SPANS:
        return format_duration(value)
    return list(value) if isinstance(value, list | tuple) else value


def _part(key: str, name: str, part: Any) -> Any:
    if name in SPANS_WITHIN.get(key, ()):
        return format_duration(part)
    if key == "retries" and name == "max" and part == UNLIMITED:
        return "unlimited"
    if (key == "limits" and name not in _COUNTS_WITHIN) or (key, name) == ("logs", "max_size"):
        return format_size(part)
    return list(part) if isinstance(part, list | tuple) else part


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """By key what it is and what it is to be, where the two are not alike; None for a key that is absent."""
    return {
        key: (before.get(key), after.get(key))
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key) or type(before.get(key)) is not type(after.get(key))
    }
