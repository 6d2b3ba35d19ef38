"""Settings of a namespace, changed while it is in use: bounds of what is kept, and a switch.

The scripts that write the past know the built-in bounds (`forget.lua`, `forget_outputs.lua`, `remember.lua`);
what is set here stands in their place. Lowering one of bytes or of failures drops what is beyond it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.bound import BOUNDS, bound_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.jobs.bound import Bound
    from jobboard.store.calls.connect import Store


@dataclass(frozen=True, slots=True)
class Setting:
    """A bound as it is in force.

    Attributes:
        bound: What it is about.
        value: In its unit.
        is_set: Whether somebody set it; otherwise it is the built-in one.
        kept: How many bytes there are of what is bounded by bytes; None for others.
    """

    bound: Bound
    value: int
    is_set: bool
    kept: int | None


def read_settings(store: Store) -> dict[str, Setting]:
    """Every setting, by name. Uses read commands only."""
    keys = [bound.key for bound in BOUNDS.values()]
    chosen, kept = store.read(*(("HMGET", store.key(name), *keys) for name in ("config", "meta")))
    found = zip(BOUNDS.items(), chosen, kept, strict=True)
    return {name: _setting(bound, value, counted) for (name, bound), value, counted in found}


def _setting(bound: Bound, value: bytes | None, in_meta: bytes | None) -> Setting:
    # A switch lies where every script looks anyway, which is where what is counted is.
    said = in_meta if bound.unit == "switch" else value
    return Setting(
        bound,
        bound.default if said is None else int(said),
        said is not None,
        int(in_meta or 0) if bound.unit == "bytes" else None,
    )


def configure(store: Store, name: str, value: int | None, *, by: Mapping[str, Any]) -> None:
    """Set something, in its unit, None for the built-in one, and drop what is beyond a bound.

    Raises:
        errors.UsageError: There is no such setting.
    """
    wanted = [[bound_named(name).key, value is not None and value]]
    while store.call("configure", bounds=wanted, by=dict(by))[0] == "MORE":
        wanted = []
