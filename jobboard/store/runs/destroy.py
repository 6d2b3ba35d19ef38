"""Removing what is known of a run: records, output, marks. Nothing brings it back.

What was counted of it stays counted, and the audit stream says who did it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes, unpack
from jobboard.store.runs.recorded import decode_record
from jobboard.store.runs.walking import PAGE, WALKED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

Outcome: TypeAlias = Literal["destroyed", "stopping", "running", "unknown"]

MOST = 10 * WALKED
"""Records of the past that are looked through."""


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


def destroy(
    store: Store, run: Record, *, by: Mapping[str, Any], force: bool = False, job: str | None = None
) -> Destroyed:
    """Remove a run for good.

    Args:
        store: Where.
        run: The run.
        by: Who asks.
        force: Although it runs: it is stopped first.
        job: The address that its job has now, where that may be another than its record says.
    """
    return destroy_all(store, [(run, job or run.job)], by=by, force=force)[0]


def destroy_all(
    store: Store, runs_and_jobs: Sequence[tuple[Record, str]], *, by: Mapping[str, Any], force: bool = False
) -> list[Destroyed]:
    """As `destroy`, each run with the address its job has now; with one look through the past for all."""
    runs = [run for run, _ in runs_and_jobs]
    history, whole = _entries(store, "history", runs)
    failures, wholly = _entries(store, "failures", runs)
    done = []
    for run, job in runs_and_jobs:
        (tag,) = store.call(
            "destroy",
            run=run.run_id,
            jobs=list(dict.fromkeys((run.job, job))),
            history=history[run.run_id],
            failures=failures[run.run_id],
            force=force,
            by=dict(by),
            mark=secrets.token_hex(6),
        )
        done.append(Destroyed(run.run_id, tag.lower(), whole and wholly))
    return done


def _entries(store: Store, stream: str, runs: Sequence[Record]) -> tuple[dict[str, list[str]], bool]:
    """The entries of a stream that are records of the runs, and whether all were looked at that can be."""
    found: dict[str, list[str]] = {run.run_id: [] for run in runs}
    made_ms = min(map(_made_ms, runs), default=0)
    before, looked_at = "+", 0
    while looked_at < MOST:
        with explained(store.url):
            page: Any = store.client.xrevrange(store.key(stream), before, "-", count=PAGE)
        for entry, fields in page:
            run_id = unpack(as_bytes(fields[b"r"])).get("id")
            if run_id in found:
                found[run_id].append(entry.decode())
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
