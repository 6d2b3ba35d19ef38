"""Calls of a script over one connection, beside the client library's own pipeline of the same calls.

The pipeline is the most that one connection can carry: its caller knows all calls beforehand, and waits for
all answers at once.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from bench.measure import own_store, rate
from jobboard.store.calls import scripts
from jobboard.store.calls.connect import pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobboard.store.calls.connect import Store

CALLS = 20_000
IN_A_PIPELINE = 500


def main() -> None:
    """Measure and print."""
    with own_store() as (store, _), store.again(shared=True) as shared:
        store.call("overview", addresses=[])
        pipeline = _per_s(lambda: _pipelined(store))
        for what, work in {
            "one thread, blocking": lambda: _called(store, CALLS),
            "one thread, shared": lambda: _called(shared, CALLS),
            "64 threads, shared": lambda: _from_threads(shared, 64),
            "one thread submits all, shared": lambda: _submitted(shared),
        }.items():
            rate(what, _per_s(work), f"pipeline, {IN_A_PIPELINE} a time", pipeline)


def _per_s(work: Callable[[], None]) -> float:
    work()
    began = time.perf_counter()
    work()
    return CALLS / (time.perf_counter() - began)


def _called(store: Store, calls: int) -> None:
    for _ in range(calls):
        store.call("overview", addresses=[])


def _from_threads(store: Store, count: int) -> None:
    threads = [threading.Thread(target=_called, args=(store, CALLS // count)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _submitted(store: Store) -> None:
    for answer in [store.submit("overview", addresses=[]) for _ in range(CALLS)]:
        answer()


def _pipelined(store: Store) -> None:
    sha, meta = scripts.load("overview").sha, store.key("meta")
    for _ in range(CALLS // IN_A_PIPELINE):
        pipeline = store.client.pipeline(transaction=False)
        for _ in range(IN_A_PIPELINE):
            pipeline.evalsha_ro(sha, 1, meta, pack({"addresses": []}))
        pipeline.execute()
