"""Due instants brought in line with newer time zone data.

When a job is due next is worked out when its last nominal was decided, and may lie months ahead; by then a
government may have moved its clocks. The namespace remembers with which release of the data its due instants
are in line; whoever comes with a newer one works them out anew. An older release changes nothing: `doctor`
warns of programs that disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard.core.jobs.gate import is_windowed
from jobboard.core.jobs.model import seed_of
from jobboard.core.jobs.override import laid
from jobboard.core.names import address_of
from jobboard.core.times.schedule import compile_schedule
from jobboard.store.boards import definitions
from jobboard.store.calls.connect import explained
from jobboard.store.calls.wire import as_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobboard.core.jobs.model import Definition
    from jobboard.store.calls.connect import Store

PAGE = 500


def heed_zone_data(store: Store, version: str) -> int | None:
    """Work due instants out anew if they are of an older release than this one.

    Takes as long as reading every definition, where they are; one look otherwise.

    Returns:
        How many jobs are due at another instant than before; None where there was nothing to do.
    """
    with explained(store.url):
        raw: Any = store.client.hget(store.key("meta"), "zonedata")
    known = "" if raw is None else as_bytes(raw).decode()
    if known >= version:
        return None
    moved = 0
    if known:
        for board in definitions.read_boards(store).values():
            jobs = definitions.read_definitions(store, board.version)
            local = {address_of(board.name, job): one for job, one in jobs.items() if _is_local(one)}
            for entries in _pages(list(_late(store, local))):
                moved += store.call("retime", entries=entries, version="")[1]
    store.call("retime", entries=[], version=version)
    return moved if known else None


def _is_local(definition: Definition) -> bool:
    """Whether the data of a zone have a part in when a job is due."""
    spec = laid(definition)
    schedule = spec.get("schedule", {})
    return "timezone" in schedule and "delay" not in schedule and not is_windowed(spec)


def _late(store: Store, jobs: dict[str, Definition]) -> Iterator[list[Any]]:
    """Jobs that are due at another instant than their cursor and the data at hand say."""
    names = list(jobs)
    with explained(store.url), store.client.pipeline(transaction=True) as pipe:
        for address in names:
            pipe.zscore(store.key("sched"), address)
            pipe.hget(store.key("cursor"), address)
        answers = pipe.execute()
    for address, due, cursor in zip(names, answers[::2], answers[1::2], strict=True):
        if due is None or cursor is None:
            continue
        spec = laid(jobs[address])
        schedule = compile_schedule(spec["schedule"], seed_of(address, spec))
        nominal_ms = schedule.next_after(int(cursor))
        if nominal_ms is not None and schedule.due(nominal_ms) != int(due):
            yield [address, jobs[address].epoch, int(due), schedule.due(nominal_ms)]


def _pages(entries: Sequence[list[Any]]) -> Iterator[Sequence[list[Any]]]:
    return (entries[start : start + PAGE] for start in range(0, len(entries), PAGE))
