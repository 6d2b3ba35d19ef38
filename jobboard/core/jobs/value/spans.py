"""Spans as written, to integer ms."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jobboard.core.broken import BROKEN, broken, refused
from jobboard.core.diagnostic import Fault, KeyFault
from jobboard.core.times.duration import parse_duration

if TYPE_CHECKING:
    from jobboard.core.diagnostic import Path


def read_duration(value: Any, path: Path, faults: list[Fault]) -> Any:
    """A span as ms."""
    try:
        return _duration_ms(value) if isinstance(value, str) else parse_duration(value)
    except ValueError as error:
        return refused(error, path, faults)


def read_positive(value: Any, path: Path, faults: list[Fault]) -> Any:
    """A span as ms, longer than nothing."""
    span_ms = read_duration(value, path, faults)
    if span_ms == 0:
        free = path[-1] in ("timeout", "heartbeat", "cpu")
        hint = "Leave the key out for no limit" if free else "Write  1s  or more"
        return broken(faults, Fault(path, f'"{path[-1]}" must be longer than nothing', hint))
    return span_ms


def read_jitter(value: Any, path: Path, faults: list[Fault]) -> Any:
    """A span as ms, or what stands for one that each run has anew."""
    if not isinstance(value, Mapping) or not {"max", "per"} & value.keys():
        return read_duration(value, path, faults)
    if value.keys() - {"max", "per"} or "max" not in value:
        hint = "Write  jitter: {max: 10m, per: run}"
        return broken(faults, Fault(path, "a jitter that says per what says its max, and nothing else", hint))
    most_ms = read_duration(value["max"], (*path, "max"), faults)
    if value.get("per") != "run" or most_ms in (0, BROKEN):
        return most_ms
    return {"max": most_ms, "per": "run"}


def read_decay(value: Mapping[str, Any], path: Path, faults: list[Fault]) -> Any:
    """How intervals grow or shrink: the factor as a number, spans as ms."""
    read: dict[str, Any] = {}
    for key, given in value.items():
        read[key] = given if key == "factor" else read_positive(given, (*path, key), faults)
    for key in ("factor", "step"):
        if key not in read:
            hint = "Write  decay: {factor: 2, step: 1h, max: 1d}"
            return broken(faults, KeyFault(path, f'"decay" has no "{key}"', hint))
    factor = read["factor"]
    read["factor"] = int(factor) if factor == int(factor) else factor
    return BROKEN if BROKEN in read.values() else dict(sorted(read.items()))


@lru_cache(maxsize=4096)
def _duration_ms(text: str) -> int:
    return parse_duration(text)
