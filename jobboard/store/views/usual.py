"""What a simulation asks the store: the jobs there are, how long each usually takes, what is used up.

Uses read commands only.
"""

from __future__ import annotations

from statistics import median_low
from typing import TYPE_CHECKING

from jobboard.core.jobs.override import laid
from jobboard.core.names import address_of
from jobboard.core.simulation.simulate import Pause
from jobboard.store.boards import definitions, holds
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes
from jobboard.store.runs.recorded import decode_record
from jobboard.store.runs.walking import PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobboard.core.jobs.model import Definition, Spec
    from jobboard.store.calls.connect import Store


def live_jobs(store: Store) -> dict[str, Spec]:
    """What is in force of every job, by address."""
    return {address: laid(definition) for address, definition in live_definitions(store).items()}


def live_definitions(store: Store) -> dict[str, Definition]:
    """Every job, by address."""
    return {
        address_of(record.name, job): definition
        for record in definitions.read_boards(store).values()
        for job, definition in definitions.read_definitions(store, record.version).items()
    }


def live_jobs_if_few(store: Store, most: int) -> dict[str, Spec] | None:
    """As `live_jobs`; None where there are more than so many, which is found out without reading them."""
    boards, scheduled = store.read(("HLEN", store.key("boards")), ("ZCARD", store.key("sched")))
    if max(boards, scheduled) > most:
        return None
    records = definitions.read_boards(store).values()
    return live_jobs(store) if sum(int(r.meta.get("jobs", 0)) for r in records) <= most else None


def usual_durations(store: Store, addresses: Sequence[str]) -> dict[str, int]:
    """How long, in ms, the runs of each job take: the median of those of its last twenty that ended well.

    Jobs without such a run are left out.
    """
    found: dict[str, int] = {}
    for start in range(0, len(addresses), PAGE):
        page = addresses[start : start + PAGE]
        with explained(store.url), store.client.pipeline(transaction=False) as pipe:
            for address in page:
                pipe.lrange(store.key("last", address), 0, -1)
            rows = pipe.execute()
        for address, row in zip(page, rows, strict=True):
            records = [decode_record(as_bytes(raw)) for raw in row]
            spans = [r.duration_ms for r in records if r.state == "ok" and r.duration_ms is not None]
            if spans:
                found[address] = median_low(spans)
    return found


def used_runs(store: Store) -> dict[str, int]:
    """How many of its ``runs`` each job that is limited to some has used."""
    with explained(store.url):
        found = list(store.client.hscan_iter(store.key("used"), count=1000))
    return {as_bytes(address).decode(): int(count) for address, count in found}


def pauses(store: Store, now_ms: int) -> list[Pause]:
    """Every hold that has not ended."""
    return [
        Pause(scope, hold.at_ms, hold.until_ms)
        for scope, listed in holds.read_holds(store, now_ms).items()
        for hold in listed
    ]


def dues(store: Store, addresses: Sequence[str]) -> dict[str, int]:
    """When each job is due; jobs that are not due at any instant are left out."""
    found: dict[str, int] = {}
    for start in range(0, len(addresses), PAGE):
        page = addresses[start : start + PAGE]
        with explained(store.url), store.client.pipeline(transaction=False) as pipe:
            for address in page:
                pipe.zscore(store.key("sched"), address)
            rows = pipe.execute()
        found.update((address, int(due)) for address, due in zip(page, rows, strict=True) if due is not None)
    return found
