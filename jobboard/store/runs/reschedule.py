"""Runs that have not started, made to wait elsewhere, for longer, or before others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.store.calls.connect import explained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.store.calls.connect import Store

PAGE = 100


def queued_in(store: Store, queue: str) -> list[str]:
    """The runs in line in a queue, the next one first."""
    with explained(store.url):
        found: Any = store.client.zrange(store.key("queue", queue), 0, -1)
    return [run_id.decode() for run_id in found]


def reschedule(
    store: Store,
    runs: Sequence[str],
    *,
    by: Mapping[str, Any],
    queue: str | None = None,
    priority: int | None = None,
    due_ms: int | None = None,
    delay_ms: int | None = None,
) -> list[tuple[str, str]]:
    """Change what is not None; for each run a tag and its state.

    Tags: OK; STARTED, UNKNOWN (it is over, or never was), DOOMED (it is about to be skipped), EXPIRES (it has
    to start before that instant, or is skipped): nothing done.

    Args:
        store: Where.
        runs: Ids.
        by: Who asks.
        queue: The queue to wait in.
        priority: Before whom in its queue; the age stays.
        due_ms: The instant before which it does not run; one that is past is now.
        delay_ms: The same as a span from now.
    """
    answers: list[tuple[str, str]] = []
    for start in range(0, len(runs), PAGE):
        _, _, page = store.call(
            "reschedule",
            runs=list(runs[start : start + PAGE]),
            queue=queue or False,
            priority=False if priority is None else priority,
            due=False if due_ms is None else due_ms,
            delay_ms=False if delay_ms is None else delay_ms,
            by=dict(by),
        )
        answers += [(tag, state) for tag, state in page]
    return answers
