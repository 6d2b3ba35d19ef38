"""Whether somebody schedules and works, and whether anything waits that nobody will come for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobboard import __version__, errors
from jobboard.core.jobs.meaning import zone_version
from jobboard.core.names import worker_for
from jobboard.core.runs.facts import SEEN_WITHIN_MS
from jobboard.core.times.moment import brief_span
from jobboard.store.calls import functions
from jobboard.store.calls.connect import explained
from jobboard.store.runs.inbox import read_inboxes, rejected_count
from jobboard.store.runs.incidents import read_incidents
from jobboard.store.runs.past import read_live
from jobboard.store.runs.world import read_schedulers, read_workers
from jobboard.store.views.health import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.store.calls.connect import Store

LONG_MS = 60_000
"""Waiting longer than this for a worker is worth a word."""


def check_liveness(store: Store, now_ms: int) -> list[Finding]:
    """Schedulers, workers, queues and the work that syncs left. Uses read commands only."""
    return [
        _schedulers(store, now_ms),
        *_zones(store),
        *_workers(store, now_ms),
        *_queues(store, now_ms),
        *_inboxes(store, now_ms),
        *_functions(store),
        _incidents(store),
        *_left_over(store, now_ms),
    ]


def _schedulers(store: Store, now_ms: int) -> Finding:
    seen = read_schedulers(store)
    alive = [name for name, at_ms in seen.items() if now_ms - at_ms <= SEEN_WITHIN_MS]
    if alive:
        return Finding("schedulers", "ok", f"{len(alive)} alive: {', '.join(sorted(alive))}")
    return Finding(
        "schedulers", "warn", "nobody schedules: no job fires", "jobboard up, or jobboard scheduler"
    )


def _zones(store: Store) -> Iterator[Finding]:
    with explained(store.url):
        told: Any = store.client.hgetall(store.key("zonedata"))
    versions = {version.decode() for version in told.values()} | {zone_version()}
    if len(versions) > 1:
        message = f"time zone data differ: {', '.join(sorted(versions))}"
        yield Finding("zones", "warn", message, "Install the same tzdata everywhere")
    else:
        yield Finding("zones", "ok", f"time zone data {zone_version()}")


def _workers(store: Store, now_ms: int) -> Iterator[Finding]:
    workers = [worker for worker in read_workers(store) if worker.lease_until_ms > now_ms]
    if not workers:
        yield Finding(
            "workers", "warn", "no worker: what fires stays queued", "jobboard up, or jobboard worker"
        )
        return
    held, slots = sum(worker.held for worker in workers), sum(worker.slots for worker in workers)
    yield Finding("workers", "ok", f"{len(workers)} alive, {held} of {slots} slots taken")
    for worker in workers:
        if worker.outdated:
            message = f"{worker.name} has an older format: it passes over what {__version__} queues"
            yield Finding("workers", "error", message, f"start it anew with jobboard {__version__}")


def _queues(store: Store, now_ms: int) -> Iterator[Finding]:
    served = {queue for worker in read_workers(store) if worker.alive(now_ms) for queue in worker.queues}
    with explained(store.url):
        queues = sorted(name.decode() for name in store.client.sscan_iter(store.key("queues"), count=1000))
    for queue in queues:
        with explained(store.url):
            first: Any = store.client.zrange(store.key("queue", queue), 0, 0)
            length = store.client.zcard(store.key("queue", queue))
        runs = read_live(store, [first[0].decode()]) if first else []
        if not runs:
            continue
        waited_ms = now_ms - (runs[0].queued_at_ms or now_ms)
        words = f"queue {queue}: {length} waiting, the first for {brief_span(waited_ms)}"
        if queue not in served:
            yield Finding("queues", "error", f"{words}, and no worker serves it", worker_for(queue))
        elif waited_ms > LONG_MS:
            yield Finding("queues", "warn", words, "More slots or more workers")
        else:
            yield Finding("queues", "ok", words)


def _inboxes(store: Store, now_ms: int) -> Iterator[Finding]:
    for inbox in read_inboxes(store, now_ms):
        words = f"inbox {inbox.queue}: {inbox.waiting} waiting"
        if inbox.readers:
            yield Finding("inbox", "ok", f"{words}, read by {', '.join(inbox.readers)}")
        else:
            yield Finding(
                "inbox", "error", f"{words}, and no worker reads it", f"jobboard worker --inbox {inbox.queue}"
            )
    if rejected := rejected_count(store):
        yield Finding("inbox", "warn", f"{rejected} that are no runs are set aside", "jobboard inbox")


def _functions(store: Store) -> Iterator[Finding]:
    try:
        found = functions.installed(store)
    except errors.StoreRefused:
        return  # a user who may not ask, or a server that keeps none
    if found is not None and found.ours:
        yield Finding("functions", "ok", f"those of jobboard {found.version}")
    elif found is not None:
        yield Finding(
            "functions",
            "warn",
            f"those of jobboard {found.version}, which are not this version's",
            "jobboard functions install",
        )


def _incidents(store: Store) -> Finding:
    found = read_incidents(store)
    if not found:
        return Finding("incidents", "ok", "nothing late, nothing overdue")
    late = sum(incident.kind == "late" for incident in found)
    words = f"{late} late runs, {len(found) - late} overdue jobs"
    return Finding("incidents", "warn", words, "jobboard incidents")


def _left_over(store: Store, now_ms: int) -> Iterator[Finding]:
    with explained(store.url):
        undrained = store.client.llen(store.key("work"))
        abandoned = store.client.zcount(store.key("stages"), "-inf", now_ms - 600_000)
    if undrained:
        message = "a sync died after its commit; the due set is not in line with it yet"
        yield Finding("sync", "warn", message, "Any scheduler or the next jobboard sync completes it")
    elif abandoned:
        yield Finding("sync", "ok", f"{abandoned} unfinished syncs, thrown away by the next one")
    else:
        yield Finding("sync", "ok", "nothing left unfinished")
