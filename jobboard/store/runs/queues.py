"""What rules queues: a limit, a rate, an aging.

A limit is on runs at once over all workers; a rate is on how many begin in a span. Who is at either waits
without polling: a run that ends, or `tick` when it is time, calls the next worker. Where a queue has an
aging, a run that has waited so long goes before all that have not, whatever their priority.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.names import QUEUE_RULE, is_queue
from jobboard.core.scope import scopes_of_queue
from jobboard.store.boards.holds import read_holds
from jobboard.store.calls.connect import explained
from jobboard.store.calls.reading import read_hashes
from jobboard.store.calls.wire import unpack
from jobboard.store.runs.past import read_live
from jobboard.store.runs.world import read_workers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.calls.connect import Store


LEAST_AGING_MS = 1_000


@dataclass(frozen=True, slots=True)
class Rule:
    """What rules a queue.

    Attributes:
        limit: How many runs at once, over all workers; None for any number.
        rate: How many may begin in a span, and the span in milliseconds; None for any number.
        aging_ms: How long a run waits before it goes before all that have not waited so long; None for ever.
            Of a rule that is to be set, 0 takes away what was there.
        reset: Of a rule that is to be set: whether it takes away the limit and the rate that were there.
    """

    limit: int | None = None
    rate: tuple[int, int] | None = None
    reset: bool = False
    aging_ms: int | None = None

    def over(self, present: Rule | None) -> Rule:
        """What is said here, and for the rest what is in force; of limits nothing when this is a `reset`."""
        before = present or Rule()
        aging_ms = before.aging_ms if self.aging_ms is None else self.aging_ms or None
        if self.reset:
            return Rule(aging_ms=aging_ms)
        return Rule(self.limit or before.limit, self.rate or before.rate, aging_ms=aging_ms)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a queue stands.

    Attributes:
        queue: Its name.
        waiting: Runs in it.
        oldest_ms: How long its first run has been waiting; None where none waits.
        workers: How many live workers serve it.
        paused: Whether a hold keeps its runs in it.
        rule: What rules it.
    """

    queue: str
    waiting: int
    oldest_ms: int | None
    workers: int
    paused: bool
    rule: Rule


def survey(store: Store, now_ms: int) -> list[Standing]:
    """Every queue that a run has been in, or that something limits, by name. Uses read commands only."""
    rules, held = read_rules(store), read_holds(store, now_ms)
    with explained(store.url):
        seen = {name.decode() for name in store.client.sscan_iter(store.key("queues"), count=1000)}
    workers = [worker for worker in read_workers(store) if worker.lease_until_ms > now_ms]
    served = {queue for worker in workers for queue in worker.queues}
    return [
        Standing(
            queue,
            *_line(store, queue, now_ms),
            sum(queue in worker.queues for worker in workers),
            any(scope in held for scope in scopes_of_queue(queue)),
            rules.get(queue, Rule()),
        )
        for queue in sorted(seen | served | rules.keys())
    ]


def _line(store: Store, queue: str, now_ms: int) -> tuple[int, int | None]:
    """How many runs wait in a queue, and for how long the first has."""
    with explained(store.url):
        waiting = store.client.zcard(store.key("queue", queue))
        first: Any = store.client.zrange(store.key("queue", queue), 0, 0)
    runs = read_live(store, [first[0].decode()]) if first else []
    return int(waiting), (now_ms - (runs[0].queued_at_ms or now_ms) if runs else None)


def in_line_under(store: Store, scope: str, now_ms: int) -> int | None:
    """How many runs are in line in the queues that a hold on a queue is on; None for another scope."""
    if not scope.startswith("queue:"):
        return None
    found = (one for one in survey(store, now_ms) if scope in scopes_of_queue(one.queue))
    return sum(standing.waiting for standing in found)


def checked_queue(text: str | None) -> str:
    """What may be the name of a queue, as it stands.

    Raises:
        errors.UsageError: It may not.
    """
    if text is None or not is_queue(text):
        raise errors.UsageError(f"{text or 'nothing'!r} cannot be a queue", f"a name is {QUEUE_RULE}")
    return text


def check_rule(limit: int | None, rate: tuple[int, int] | None, aging_ms: int | None = None) -> None:
    """Refuse a limit under which nothing could run, and an aging under which no priority would mean anything.

    Raises:
        errors.UsageError: It is one.
    """
    if aging_ms and aging_ms < LEAST_AGING_MS:
        raise errors.UsageError("an aging is 1s or more", "as in 10m")
    if limit is not None and limit < 1:
        raise errors.UsageError("a limit is 1 or more", "to stop the queue: jobboard pause --queue QUEUE")
    if rate is not None and min(rate) < 1:
        raise errors.UsageError("a rate is one run or more in a span", "as in 30/1m")


def limit(
    store: Store,
    queue: str,
    *,
    by: Mapping[str, Any],
    limit: int | None = None,
    rate: tuple[int, int] | None = None,
    aging_ms: int | None = None,
) -> None:
    """Set what rules a queue, from now on; what is None is not limited.

    Raises:
        errors.UsageError: It is no queue, or nothing at all could run.
    """
    check_rule(limit, rate, aging_ms)
    name = checked_queue(queue)
    _, counted = store.call(
        "limit",
        queue=name,
        limit=limit or False,
        rate=rate is not None and rate[0],
        span_ms=rate is not None and rate[1],
        aging_ms=aging_ms or False,
        by=dict(by),
    )
    while not counted:
        _, counted = store.call("count_running", queue=name)


def read_rules(store: Store) -> dict[str, Rule]:
    """What rules which queue; only queues that something does."""
    (found,) = read_hashes(store, store.key("limits"))
    return {name.decode(): _rule(unpack(raw)) for name, raw in found.items()}


def _rule(packed: Mapping[str, Any]) -> Rule:
    # An empty map comes back from a script as an empty list.
    packed = dict(packed)
    rate = packed.get("rate")
    pace = (rate, packed["span_ms"]) if rate else None
    return Rule(packed.get("limit"), pace, aging_ms=packed.get("aging"))
