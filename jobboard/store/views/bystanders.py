"""What else a change touches: the runs of the jobs it is about. Uses read commands only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store
    from jobboard.store.calls.direct import Command

RECORDS = 5
"""How many of a job's newest records are searched for its last run; the others were passed over."""


@dataclass(frozen=True, slots=True)
class Bystander:
    """The runs of one job.

    Attributes:
        live: Its runs that are not over.
        last_run: Its last run that ended, as far as its newest records tell.
    """

    live: tuple[Record, ...] = ()
    last_run: Record | None = None

    @property
    def running(self) -> int:
        """How many of its runs a worker has."""
        return sum(run.state in ("running", "stopping") for run in self.live)

    @property
    def queued(self) -> int:
        """How many of its runs wait, for whatever."""
        return len(self.live) - self.running


def read_bystanders(store: Store, addresses: Sequence[str]) -> dict[str, Bystander]:
    """The runs of these jobs, in two round trips; a job without any is left out."""
    if not addresses:
        return {}
    asked: list[Command] = []
    for address in addresses:
        asked.append(("SMEMBERS", store.key("live", address)))
        asked.append(("LRANGE", store.key("last", address), 0, RECORDS - 1))
    answers = store.read(*asked)
    if not any(answers):
        return {}
    # Most jobs that a plan is about have not run yet, or not lately.
    from jobboard.store.runs import past

    ids = [run_id.decode() for members in answers[::2] for run_id in sorted(members)]
    live: dict[str, list[Record]] = {}
    for run in past.read_live(store, ids):
        live.setdefault(run.job, []).append(run)
    found = {
        address: Bystander(tuple(past.in_order(live.get(address, ()))), _last_run(rows))
        for address, rows in zip(addresses, answers[1::2], strict=True)
    }
    return {address: one for address, one in found.items() if one.live or one.last_run}


def _last_run(rows: Sequence[bytes]) -> Record | None:
    from jobboard.store.runs.recorded import decode_record

    records = (decode_record(raw) for raw in rows)
    return next((record for record in records if record.run_id), None)
