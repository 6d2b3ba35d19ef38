"""What a live run was made with, as its hash keeps it: to look at, and to spoil."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.store.calls.wire import pack
from jobboard.store.runs.made import NAMES, decode_made

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store


def made(store: Store, run_id: str) -> dict[str, Any]:
    """Every value by its name."""
    raw: Any = store.client.hget(store.key("run", run_id), "made")
    return decode_made(raw)


def remake(store: Store, run_id: str, **changes: Any) -> None:
    """Write other values in their place."""
    values = made(store, run_id) | changes
    store.client.hset(store.key("run", run_id), "made", pack([values[name] for name in NAMES]))
