"""Settings of a namespace, changed while it is in use: the bounds of what is kept of the past.

The scripts that write the past know the built-in bounds (`forget.lua`, `forget_outputs.lua`, `remember.lua`);
what is set here stands in their place. Lowering one of bytes or of failures drops what is beyond it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.core.bound import BOUNDS, bound_named
from jobboard.store.connect import explained

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.bound import Bound
    from jobboard.store.connect import Store


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
    with explained(store.url):
        chosen: Any = store.client.hmget(store.key("config"), keys)
        kept: Any = store.client.hmget(store.key("meta"), keys)
    return {
        name: Setting(
            bound,
            bound.default if value is None else int(value),
            value is not None,
            int(count or 0) if bound.unit == "bytes" else None,
        )
        for (name, bound), value, count in zip(BOUNDS.items(), chosen, kept, strict=True)
    }


def configure(store: Store, name: str, value: int | None, *, by: Mapping[str, Any]) -> None:
    """Set a bound, in its unit, None for the built-in one, and drop what is beyond it.

    Raises:
        errors.UsageError: There is no such setting.
    """
    wanted = [[bound_named(name).key, value is not None and value]]
    while store.call("configure", bounds=wanted, by=dict(by))[0] == "MORE":
        wanted = []
