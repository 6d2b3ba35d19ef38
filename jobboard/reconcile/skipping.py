"""The next runs of a job, passed over because somebody asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.override import laid
from jobboard.reconcile.live import read_job
from jobboard.store.boards import skips

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.calls.connect import Store

MOST = 10_000


def skip_runs(
    store: Store, address: str, count: int | None, *, by: Mapping[str, Any], reason: str | None
) -> int:
    """Have the next runs of a job passed over, or with None none after all; how many were left before.

    Raises:
        errors.UsageError: There is no such job, it is run by hand, or that is no number of runs.
    """
    if count is not None and not 1 <= count <= MOST:
        raise errors.UsageError(
            f"--count {count}: from 1 to {MOST:,} runs can be skipped",
            "to stop a job altogether: jobboard pause",
        )
    spec = laid(read_job(store, address))
    if count is not None and "schedule" not in spec and not spec.get("after"):
        raise errors.UsageError(
            f"{address} is run by hand, so that there is no next run to skip", f"jobboard show {address}"
        )
    return skips.skip_next(store, address, count or 0, by=by, reason=reason)
