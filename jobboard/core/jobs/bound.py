"""Settings of a namespace: what they are called, built in, and how people write them.

Nearly all are bounds of what is kept of the past; one is a switch.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from jobboard import errors
from jobboard.core.size import format_size, parse_size
from jobboard.core.times.duration import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

_SWITCH = ("off", "on")
_LEAST = {"bytes": 64 * 1024, "ms": 60_000}


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that is set.

    Attributes:
        key: What it is stored under.
        default: The built-in one.
        unit: What it is counted in, bytes or milliseconds; of a switch, 1 is on and 0 is off.
        of: What it bounds or does, in words.
    """

    key: str
    default: int
    unit: Literal["bytes", "ms", "switch"]
    of: str

    def parse(self, text: str) -> int:
        """What a person wants it to be: ``512M``, ``30d``, ``on``.

        Raises:
            errors.UsageError: It is no size, no span or no state of a switch, or too little.
        """
        if self.unit == "switch":
            if text not in _SWITCH:
                raise errors.UsageError(f"{text!r} is no state of a switch", "on or off")
            return _SWITCH.index(text)
        try:
            value = _size(text) if self.unit == "bytes" else parse_duration(text)
        except ValueError as error:
            raise errors.UsageError(str(error), "as in 512M, or 30d for a span") from error
        least = _LEAST[self.unit]
        if value < least:
            raise errors.UsageError(f"{text} is too little", f"{self.text(least)} is the least")
        return value

    def text(self, value: int) -> str:
        """What it is set to, in words."""
        if self.unit == "switch":
            return _SWITCH[value]
        return format_size(value) if self.unit == "bytes" else format_duration(value)


BOUNDS: Mapping[str, Bound] = MappingProxyType(
    {
        "history-bytes": Bound(
            "history_bytes", 268_435_456, "bytes", "records of runs; the oldest go first, failures last"
        ),
        "failures": Bound(
            "failures_ms",
            1_209_600_000,
            "ms",
            "how long failures are kept when the history drops the rest",
        ),
        "ids": Bound(
            "ids_ms",
            1_209_600_000,
            "ms",
            "how long the id of a push is known after its run was due; of new pushes",
        ),
        "output-bytes": Bound(
            "output_bytes",
            268_435_456,
            "bytes",
            "output of runs; the oldest goes first, that of failures last",
        ),
        "channels": Bound("publishes", 0, "switch", "whether events are published on channels too"),
    }
)
"""By the name that people know them by."""


def bound_named(name: str | None) -> Bound:
    """The setting of that name.

    Raises:
        errors.UsageError: There is none.
    """
    if name is None or name not in BOUNDS:
        said = "name a setting" if name is None else f"there is no setting {name!r}"
        raise errors.UsageError(said, f"known are {', '.join(BOUNDS)}")
    return BOUNDS[name]


def _size(text: str) -> int:
    return parse_size(int(text) if text.isdecimal() else text)
