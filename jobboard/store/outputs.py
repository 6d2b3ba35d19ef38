"""What runs printed, as it is kept. Uses read commands only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.store.connect import explained

if TYPE_CHECKING:
    from jobboard.store.connect import Store


def read_output(store: Store, run_id: str) -> list[tuple[int, bytes]]:
    """All that is kept of a run's output: attempt and piece, in the order they were printed."""
    with explained(store.url):
        entries: Any = store.client.xrange(store.key("out", run_id))
    return [(int(fields[b"a"]), fields[b"d"]) for _, fields in entries]
