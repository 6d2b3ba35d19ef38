"""Much due at once, and much due all the time: lateness, and the longest single call.

100,000 jobs due in the same minute, claimed, computed and fired by one scheduler, first with nothing missed
before, then with a missed nominal each; the reference moves as many members from one sorted set to another,
200 a call, which is the least a store has to do for it. Then 1,000,000 scheduled jobs of which 1,000 are due
every second, for some seconds: how late each run was made, by the store's clock. Definitions are staged and
committed as a sync would, without the reading of files.
"""

from __future__ import annotations

import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.engine import moving_per_s
from bench.measure import main_thread_s, own_store, percentile, rate
from jobboard.core.jobs.model import Definition
from jobboard.core.plans.forecast import next_due_ms
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.store.boards import staging
from jobboard.store.boards.staging import BoardWrite
from jobboard.store.calls.connect import Store
from jobboard.store.runs.made import decode_made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobboard.core.jobs.model import Spec

AT_ONCE = 100_000
SCHEDULED = 1_000_000
DUE_PER_S = 1_000
WATCHED_S = 20
DAY_MS = 86_400_000
IN_A_BOARD = 1_000


def main() -> None:
    """Measure and print."""
    with own_store() as (store, _):
        _at_once(store)
    with own_store() as (store, _):
        _at_once(store, missed=1)
    with own_store() as (store, _):
        _all_the_time(store)


def _at_once(store: Store, missed: int = 0) -> None:
    moved_per_s = moving_per_s(store, AT_ONCE)
    nominal = int(time.time()) // 60 * 60_000 - 60_000
    hour, minute = nominal // 3_600_000 % 24, nominal // 60_000 % 60
    daily: Spec = {"command": {"run": "true"}, "schedule": {"cron": f"{minute} {hour} * * *"}}
    _define(store, AT_ONCE, lambda _: daily)
    _make_due(store, nominal, decided_ms=nominal - missed * DAY_MS - 1)
    with _Timed(store.url, store.namespace) as timed:
        scheduler = Scheduler(timed, name="bench")
        began = time.perf_counter()
        while store.client.zcard(store.key("queue", "common")) < AT_ONCE:
            scheduler.turn()
        taken = time.perf_counter() - began
        what = f", {missed} missed each" if missed else ""
        rate(f"{AT_ONCE:,} due in one minute{what}, fired", AT_ONCE / taken, "moving members", moved_per_s)
        print(f"  longest call {timed.longest}, most of the processor {timed.busiest}, {taken:.1f} s in all")


def _make_due(store: Store, nominal_ms: int, decided_ms: int) -> None:
    """Every job's entry to a nominal of the minute before, and its cursor to what it has decided."""
    sched, cursor = store.key("sched"), store.key("cursor")
    names = [member for member, _ in store.client.zscan_iter(sched, count=1000)]
    for start in range(0, len(names), 1000):
        page = names[start : start + 1000]
        store.client.zadd(sched, dict.fromkeys(page, nominal_ms))
        store.client.hset(cursor, mapping={name.decode(): decided_ms for name in page})


def _all_the_time(store: Store) -> None:
    period_ms = SCHEDULED // DUE_PER_S * 1000

    def spec(n: int) -> Spec:
        return {"command": {"run": "true"}, "schedule": {"every": period_ms, "phase": n * 1000 // DUE_PER_S}}

    _define(store, SCHEDULED, spec)
    stop = threading.Event()
    scheduler = Scheduler(store, name="bench")
    thread = threading.Thread(target=scheduler.run, args=(stop,))
    thread.start()
    # What came due while the definitions were written is made up for first.
    _wait_until_none_is_late(store)
    seen = set(_queued(store))
    time.sleep(WATCHED_S)
    stop.set()
    thread.join()
    late_s = sorted(_lateness(store, (run_id for run_id in _queued(store) if run_id not in seen)))
    print(
        f"{SCHEDULED:,} scheduled, {DUE_PER_S:,} due a second, {len(late_s):,} fires: late by "
        f"p50 {percentile(late_s, 0.5) * 1000:.1f} ms, p99 {percentile(late_s, 0.99) * 1000:.1f} ms, "
        f"most {late_s[-1] * 1000:.1f} ms   (goal: p99 <= 50 ms)",
        flush=True,
    )


def _wait_until_none_is_late(store: Store) -> None:
    while True:
        seconds, micros = store.client.time()
        if not store.client.zcount(store.key("sched"), "-inf", seconds * 1000 + micros // 1000 - 100):
            return
        time.sleep(0.2)


def _queued(store: Store) -> Iterator[bytes]:
    return (run_id for run_id, _ in store.client.zscan_iter(store.key("queue", "common"), count=1000))


def _lateness(store: Store, run_ids: Iterator[bytes]) -> Iterator[float]:
    for run_id in run_ids:
        raw: Any = store.client.hget(store.key("run", run_id.decode()), "made")
        made = decode_made(raw)
        yield (made["queued_at"] - made["due_at"]) / 1000


def _define(store: Store, count: int, spec_of: Callable[[int], Spec]) -> None:
    """So many jobs on boards of a thousand, in one commit."""
    stage = staging.begin(store)
    writes = []
    for first in range(0, count, IN_A_BOARD):
        board, version = f"b{first // IN_A_BOARD}", f"{stage.id}-{first}"
        specs = {f"j{n}": spec_of(n) for n in range(first, first + IN_A_BOARD)}
        made = {
            job: Definition(stage.id, stage.id, stage.revision, spec, spec) for job, spec in specs.items()
        }
        work = {
            f"{board}/{job}": {
                "due": next_due_ms(f"{board}/{job}", spec, stage.now_ms) or False,
                "cursor": stage.now_ms,
            }
            for job, spec in specs.items()
        }
        staging.stage_version(store, stage, version, source=None, put=made, drop=())
        staging.stage_work(store, stage, version, work)
        writes.append(BoardWrite(board, None, version, {"path": board, "jobs": IN_A_BOARD}, []))
    staging.commit(store, stage, writes, revision={}, by={"actor": "bench", "via": "cli"})
    staging.drain(store)


class _Taken(NamedTuple):
    """How long a call took, and of which script."""

    seconds: float
    script: str

    def __str__(self) -> str:
        return f"{self.seconds * 1000:.1f} ms ({self.script})"


class _Timed(Store):
    """A store that remembers its longest call, the way to the server and back included, and its busiest."""

    longest = busiest = _Taken(0.0, "")

    def again(self, *, timeout_s: float | None = 30.0, shared: bool = False) -> Store:  # noqa: ARG002 - as there
        return self

    def prepared(self, script: str, /, **arguments: Any) -> Callable[[], Any]:
        return lambda: self.call(script, **arguments)

    def call(self, script: str, /, **arguments: Any) -> Any:
        began_s, busy_s = time.perf_counter(), main_thread_s(self._server_pid)
        answer = super().call(script, **arguments)
        self.longest = max(self.longest, _Taken(time.perf_counter() - began_s, script))
        self.busiest = max(self.busiest, _Taken(main_thread_s(self._server_pid) - busy_s, script))
        return answer

    @cached_property
    def _server_pid(self) -> int:
        server: Any = self.client.info("server")
        return int(server["process_id"])
