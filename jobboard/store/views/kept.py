"""How much of the past a store keeps, as it bears on an instant of a job. Uses read commands only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobboard import errors
from jobboard.core.names import split_address
from jobboard.core.runs.kept import Kept
from jobboard.store.boards import definitions
from jobboard.store.boards.history import read_revision
from jobboard.store.runs.config import read_settings
from jobboard.store.runs.counts import DAY_MS, JOB_DAYS, of_job
from jobboard.store.runs.walking import oldest_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.calls.connect import Store

_FULL = 0.98
"""Once the bound is met as many bytes of records go as come."""


def read_kept(store: Store, address: str, at_ms: int, now_ms: int, searched_to_ms: int | None) -> Kept:
    """What is kept of the past, seen from an instant of a job.

    Args:
        store: Where.
        address: The job.
        at_ms: The instant.
        now_ms: The store's time.
        searched_to_ms: Up to where records were searched from the instant on; None for all there are.
    """
    settings = read_settings(store)
    history, failures = settings["history-bytes"], settings["failures"]
    return Kept(
        oldest_ms(store),
        history.bound.text(history.value),
        failures.bound.text(failures.value),
        (history.kept or 0) > _FULL * history.value,
        searched_to_ms,
        _revision(store, address),
        _ended(store, address, at_ms, now_ms),
    )


def _revision(store: Store, address: str) -> tuple[int, int] | None:
    board, job = split_address(address)
    record = definitions.read_board(store, board)
    found = definitions.read_some(store, record.version, [job]) if record else {}
    if job not in found:
        return None
    try:
        revision = read_revision(store, found[job].revision)
    except errors.UsageError:
        return None
    return revision.number, revision.at_ms


def _ended(store: Store, address: str, at_ms: int, now_ms: int) -> Mapping[str, int]:
    """What was counted of the job in the UTC day of the instant; nothing of a day whose counts are gone."""
    if not now_ms - JOB_DAYS * DAY_MS < at_ms <= now_ms:
        return {}
    day_ms = at_ms // DAY_MS * DAY_MS
    tally = of_job(store, address, day_ms, now_ms).get(day_ms)
    return {} if tally is None else tally.states
