"""Passing a lock on, beside a bare hand-over by a blocking pop: what a waiting run costs in time and memory.

Two processes take turns under one lock. From the moment at which one begins to report the end of its run to
the one at which the other has the next run in hand, there are a report, a wake-up and a reservation. The
reference is the wake-up alone: one process pushes, the other's blocking pop returns. Memory of a run that
waits at a lock is held to a hash with its job and command, and an entry of a sorted set.
"""

from __future__ import annotations

import multiprocessing
import select
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.measure import own_store, percentile, show
from jobboard.core.runs.run import Result
from jobboard.store.calls.bell import Bell
from jobboard.store.calls.connect import Store
from jobboard.store.runs.pushes import Parcel, push
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.queues import Queue

TURNS = 2_000
WAITING = 20_000
_REST_S = 1.0
LOCKED = {"command": {"exec": ["true"]}, "locks": {"db": 1}}

Times = list[tuple[float, float]]


def main() -> None:
    """Measure and print."""
    with own_store() as (store, _):
        bare = _gaps(store, _bounce)
        push(store, [Parcel("push/turn", LOCKED) for _ in range(TURNS)], by="bench")
        passed = _gaps(store, _take_turns)
        for share, name, goal in ((0.5, "p50", "0.2 ms"), (0.99, "p99", "")):
            what = f"a lock passed on, {len(passed):,} times, {name}"
            show(what, percentile(passed, share), f"bare pop, {name}", percentile(bare, share), goal)
    with own_store() as (store, _):
        _memory(store)


def _gaps(store: Store, play: Callable[[str, str, int, Queue[Times]], None]) -> list[float]:
    """Seconds from one player's letting go to the other's having it."""
    told: Queue[Times] = multiprocessing.Queue()
    players = [
        multiprocessing.Process(target=play, args=(store.url, store.namespace, number, told))
        for number in range(2)
    ]
    for player in players:
        player.start()
    moves = [(*times, number) for number in range(2) for times in told.get()]
    for player in players:
        player.join()
    moves.sort()
    return [taken[0] - before[1] for before, taken in pairwise(moves) if taken[2] != before[2]]


def _bounce(url: str, namespace: str, number: int, told: Queue[Times]) -> None:
    times: Times = []
    with Store(url, namespace) as store:
        if number == 0:
            store.client.rpush("{bench}:0", b"")
        for _ in range(TURNS // 2):
            store.client.blpop([f"{{bench}}:{number}"])
            times.append((time.monotonic(), time.monotonic()))
            store.client.rpush(f"{{bench}}:{1 - number}", b"")
    told.put(times)


def _take_turns(url: str, namespace: str, number: int, told: Queue[Times]) -> None:
    times: Times = []
    with Store(url, namespace) as store, Store(url, namespace) as beside:
        runs, worker, bell = Runs(store), f"bench-{number}", Bell(beside, _REST_S)
        runs.hello(
            worker, host="bench", pid=1, queues=["common"], slots=1, lease_ms=60_000, version="0", holding=[]
        )
        listening = number > 0
        while True:
            if listening and not _heard(bell, store.key("wake", "common")) and not _left(store):
                break
            reserved = runs.reserve(worker, ["common"], 1)
            had = time.monotonic()
            # Who has let go does not look again before it is told to: the other's turn is what is measured.
            listening = True
            for run in reserved:
                times.append((had, time.monotonic()))
                runs.finish(worker, [Result(run.run_id, run.token, "ok", exit_code=0)])
        runs.bye(worker)
        bell.close()
    told.put(times)


def _heard(bell: Bell, key: str) -> bool:
    """Wait as a worker does; False where nothing came for a while."""
    bell.listen([key])
    poll = select.poll()
    poll.register(bell, select.POLLIN)
    poll.poll()
    return bell.heard() is not None


def _left(store: Store) -> int:
    return int(store.read(("SCARD", store.key("live", "push/turn")))[0])


def _memory(store: Store) -> None:
    before = _used(store)
    for number in range(WAITING):
        store.client.hset(f"{{bench}}:run:{number}", mapping={"job": "push/turn", "command": "true"})
        store.client.zadd("{bench}:queue", {f"push/turn@{number:016}": number})
    bare = (_used(store) - before) / WAITING
    runs = Runs(store)
    runs.hello(
        "bench", host="bench", pid=1, queues=["common"], slots=1, lease_ms=60_000, version="0", holding=[]
    )
    before = _used(store)
    for _ in range(WAITING // 500):
        push(store, [Parcel("push/turn", LOCKED) for _ in range(500)], by="bench")
        runs.reserve("bench", ["common"], 500)
    waiting = int(store.client.zcard(store.key("lockwait", "db")))
    each = (_used(store) - before) / WAITING
    print(
        f"{waiting:,} runs at a lock: {each:.0f} B   hash and entry: {bare:.0f} B   ratio {each / bare:.2f}"
    )


def _used(store: Store) -> int:
    store.client.memory_purge()
    return int(store.client.info("memory")["used_memory"])


if __name__ == "__main__":
    main()
