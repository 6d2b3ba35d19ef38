"""Bounds of what a namespace keeps of the past, which can be set while it is in use.

The scripts that write the past know the built-in bounds (`forget.lua`, `forget_outputs.lua`, `remember.lua`);
what is set here stands in their place. Lowering one of bytes or of failures drops what is beyond it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from jobboard.store.connect import explained

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.connect import Store


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that bounds what is kept.

    Attributes:
        default: The built-in one.
        unit: What it is counted in, bytes or milliseconds.
        of: What it bounds, in words.
    """

    default: int
    unit: Literal["bytes", "ms"]
    of: str


BOUNDS: Mapping[str, Bound] = MappingProxyType(
    {
        "history_bytes": Bound(268_435_456, "bytes", "records of runs; the oldest go first, failures last"),
        "failures_ms": Bound(
            1_209_600_000, "ms", "how long failures are kept when the history drops the rest"
        ),
        "ids_ms": Bound(
            1_209_600_000, "ms", "how long the id of a push is known after its run was due, for new pushes"
        ),
        "output_bytes": Bound(
            268_435_456, "bytes", "output of runs; the oldest goes first, that of failures last"
        ),
    }
)


def read_bounds(store: Store) -> dict[str, int]:
    """The bounds that are set; those that are not are the built-in ones."""
    with explained(store.url):
        found: Any = store.client.hgetall(store.key("config"))
    return {name.decode(): int(value) for name, value in found.items() if name.decode() in BOUNDS}


def kept_bytes(store: Store) -> dict[str, int]:
    """How many bytes there are of what is bounded by bytes."""
    names = [name for name, bound in BOUNDS.items() if bound.unit == "bytes"]
    with explained(store.url):
        found: Any = store.client.hmget(store.key("meta"), names)
    return {name: int(value or 0) for name, value in zip(names, found, strict=True)}


def set_bounds(store: Store, bounds: Mapping[str, int | None], *, by: Mapping[str, Any]) -> None:
    """Set bounds, None for the built-in one, and drop what is beyond them."""
    wanted = [[name, value is not None and value] for name, value in bounds.items()]
    while store.call("configure", bounds=wanted, by=dict(by))[0] == "MORE":
        wanted = []
