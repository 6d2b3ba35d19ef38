"""A job that is to run so often begins to count anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import errors
from jobboard.core.jobs.override import in_force
from jobboard.core.plans.forecast import next_due_ms
from jobboard.reconcile.live import read_job
from jobboard.store.calls import clocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobboard.store.calls.connect import Store

ATTEMPTS = 10


def reset_runs(store: Store, address: str, *, by: Mapping[str, Any]) -> int:
    """Forget how many scheduled runs of a job were made; how many that was.

    Raises:
        errors.UsageError: There is no such job, or it runs without a limit.
        errors.Stale: Others kept writing to it.
    """
    for _ in range(ATTEMPTS):
        definition, now_ms = read_job(store, address), clocks.now_ms(store)
        spec = in_force(definition, now_ms)
        if "runs" not in spec.get("schedule", {}):
            raise errors.UsageError(
                f"{address} is not limited to a number of runs, so that nothing is counted",
                f"jobboard show {address}",
            )
        due_ms = next_due_ms(address, spec, now_ms)
        tag, *rest = store.call(
            "reset", address=address, epoch=definition.epoch, due=due_ms or False, by=dict(by)
        )
        if tag == "OK":
            return int(rest[0])
        if tag == "GONE":
            raise errors.UsageError(f"there is no job {address} any more", "jobboard ls lists them")
    raise errors.Stale(f"others kept writing to {address}", "try again")
