"""What limits queues.

A limit is on runs at once over all workers; a rate is on how many begin in a span. Who is at either waits
without polling: a run that ends, or `tick` when it is time, calls the next worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard.store.connect import explained
from jobboard.store.wire import as_bytes, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.connect import Store


@dataclass(frozen=True, slots=True)
class Rule:
    """What limits a queue.

    Attributes:
        limit: How many runs at once, over all workers; None for any number.
        rate: How many may begin in a span, and the span in milliseconds; None for any number.
    """

    limit: int | None = None
    rate: tuple[int, int] | None = None


def limit(
    store: Store,
    queue: str,
    *,
    by: Mapping[str, Any],
    limit: int | None = None,
    rate: tuple[int, int] | None = None,
) -> None:
    """Set what limits a queue, from now on; what is None is not limited."""
    store.call(
        "limit",
        queue=queue,
        limit=limit or False,
        rate=rate is not None and rate[0],
        span_ms=rate is not None and rate[1],
        by=dict(by),
    )


def read_rules(store: Store) -> dict[str, Rule]:
    """What limits which queue; only queues that something limits."""
    with explained(store.url):
        found: Any = store.client.hgetall(store.key("limits"))
    return {name.decode(): _rule(unpack(as_bytes(raw))) for name, raw in found.items()}


def _rule(packed: Mapping[str, Any]) -> Rule:
    # An empty map comes back from a script as an empty list.
    packed = dict(packed)
    rate = packed.get("rate")
    return Rule(packed.get("limit"), (rate, packed["span_ms"]) if rate else None)
