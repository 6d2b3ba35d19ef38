"""Removing what is known of a run: records, output, marks. Nothing brings it back.

What was counted of it stays counted, and the audit stream says who did it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.store.connect import explained
from jobboard.store.past import PAGE, WALKED, decode_record
from jobboard.store.wire import as_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.core.record import Record
    from jobboard.store.connect import Store

Outcome: TypeAlias = Literal["destroyed", "stopping", "running", "unknown"]

MOST = 10 * WALKED
"""Records of the past that are looked through for those of one run."""


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What became of a run.

    Attributes:
        run_id: The run.
        outcome: ``destroyed``; ``stopping`` (it runs, was told to stop, and is gone when it is over);
            ``running`` (it does, and nothing was done); ``unknown``.
        complete: Whether all of the past was looked through that can hold a record of it.
    """

    run_id: str
    outcome: Outcome
    complete: bool = True


def destroy(store: Store, run: Record, *, by: Mapping[str, Any], force: bool = False) -> Destroyed:
    """Remove a run for good; one that runs only by `force`, once it has been stopped."""
    history, whole = _entries(store, "history", run)
    failures, wholly = _entries(store, "failures", run)
    (tag,) = store.call(
        "destroy",
        run=run.run_id,
        job=run.job,
        history=history,
        failures=failures,
        force=force,
        by=dict(by),
        mark=secrets.token_hex(6),
    )
    return Destroyed(run.run_id, tag.lower(), whole and wholly)


def _entries(store: Store, stream: str, run: Record) -> tuple[list[str], bool]:
    """The entries of a stream that are records of a run, and whether all were looked at that can be."""
    named, made_ms = run.run_id.encode(), _made_ms(run)
    found: list[str] = []
    before, looked_at = "+", 0
    while looked_at < MOST:
        with explained(store.url):
            page: Any = store.client.xrevrange(store.key(stream), before, "-", count=PAGE)
        # Few records name the run, and only those are worth reading.
        for entry, fields in page:
            if named in fields[b"r"] and decode_record(as_bytes(fields[b"r"])).run_id == run.run_id:
                found.append(entry.decode())
        if len(page) < PAGE or all(_seen_ms(entry) < made_ms for entry in page):
            return found, True
        before, looked_at = f"({page[-1][0].decode()}", looked_at + len(page)
    return found, False


def _made_ms(run: Record) -> int:
    """An instant before which no record of the run can have been written."""
    begun = [one.started_at_ms for one in run.tries if one.started_at_ms is not None]
    known = [ms for ms in (run.queued_at_ms, run.started_at_ms, *begun) if ms is not None]
    return min(known, default=0)


def _seen_ms(entry: tuple[bytes, Mapping[bytes, bytes]]) -> int:
    return decode_record(as_bytes(entry[1][b"r"])).seen_at_ms
