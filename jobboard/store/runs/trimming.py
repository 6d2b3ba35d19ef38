"""Calling off what waits in a queue beyond a number, or for longer than a span; each run with a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.store.calls import clocks
from jobboard.store.runs import past
from jobboard.store.runs.queues import checked_queue
from jobboard.store.runs.reschedule import queued_in
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.store.calls.connect import Store


def beyond(store: Store, queue: str, *, keep: int | None = None, older_ms: int | None = None) -> list[str]:
    """The runs that a trim would call off, the next one first. Uses read commands only.

    Args:
        store: Where.
        queue: The queue.
        keep: How many stay, the first in line; or
        older_ms: What has been waiting for longer than that.

    Raises:
        errors.UsageError: It is no queue, or not one of the two is said.
    """
    checked_queue(queue)
    if (keep is None) == (older_ms is None) or (keep or 0) < 0:
        raise errors.UsageError("say --keep N or --older SPAN", "as in --keep 100, or --older 2h")
    waiting = queued_in(store, queue)
    if keep is not None:
        return waiting[keep:]
    since_ms = clocks.now_ms(store) - (older_ms or 0)
    return [run.run_id for run in past.read_live(store, waiting) if (run.queued_at_ms or since_ms) < since_ms]


def call_off(store: Store, runs: Sequence[str], *, actor: str) -> dict[str, str]:
    """Call these runs off; what became of each: ``cancelled``, or ``started`` by then, and let be."""
    path = Runs(store)
    return {run: path.cancel(run, actor, unstarted=True).lower() for run in runs}
