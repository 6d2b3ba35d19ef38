"""Which queues a worker takes runs from, how many at once, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from jobboard.core.jobs.runner import Runner
    from jobboard.store.runs.runs import Order


@dataclass(frozen=True, slots=True)
class Serving:
    """What a worker serves.

    Attributes:
        queues: The queues; their order counts where `order` says so.
        slots: Runs at once, over all of them.
        own_slots: Runs at once of single queues; without an entry as many as there are slots.
        order: As `store.runs.runs.Runs.reserve` takes it.
        inboxes: Queues whose inboxes it reads.
        runners: Those of a project's own that it serves, by name.
    """

    queues: tuple[str, ...]
    slots: int
    own_slots: Mapping[str, int] = field(default_factory=dict)
    order: Order = "priority"
    inboxes: tuple[str, ...] = ()
    runners: Mapping[str, Runner] = field(default_factory=dict)

    def room(self, held: Collection[str]) -> int:
        """How many more runs could be taken.

        Args:
            held: The queue of each run the worker has.
        """
        free = max(0, self.slots - len(held))
        rooms = self.rooms(held)
        return free if rooms is None else min(free, sum(rooms))

    def rooms(self, held: Collection[str]) -> list[int] | None:
        """How many more could be taken of each queue; None where only `slots` limits them."""
        if not self.own_slots:
            return None
        taken = Counter(held)
        return [max(0, self.own_slots.get(queue, self.slots) - taken[queue]) for queue in self.queues]

    def takes(self, queue: str, held: Collection[str]) -> bool:
        """Whether one more run of this queue could be taken."""
        own = self.own_slots.get(queue)
        if len(held) >= self.slots:
            return False
        return own is None or sum(each == queue for each in held) < own
