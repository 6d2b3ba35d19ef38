"""Bounds of what a namespace keeps of the past: what they are called, built in, and how people write them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from jobboard import errors
from jobboard.core.duration import format_duration, parse_duration
from jobboard.core.size import format_size, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEAST = {"bytes": 64 * 1024, "ms": 60_000}


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that bounds what is kept.

    Attributes:
        key: What it is stored under.
        default: The built-in one.
        unit: What it is counted in, bytes or milliseconds.
        of: What it bounds, in words.
    """

    key: str
    default: int
    unit: Literal["bytes", "ms"]
    of: str

    def parse(self, text: str) -> int:
        """What a person wants it to be: ``512M``, ``30d``.

        Raises:
            errors.UsageError: It is no size or no span, or too little.
        """
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
    }
)
"""By the name that people know them by."""


def bound_named(name: str | None) -> Bound:
    """The bound of that name.

    Raises:
        errors.UsageError: There is none.
    """
    if name is None or name not in BOUNDS:
        said = "name a setting" if name is None else f"there is no setting {name!r}"
        raise errors.UsageError(said, f"known are {', '.join(BOUNDS)}")
    return BOUNDS[name]


def _size(text: str) -> int:
    return parse_size(int(text) if text.isdecimal() else text)
