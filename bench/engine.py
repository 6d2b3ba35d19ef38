"""Firing, reserving and finishing through the real scripts, beside a script that only moves members.

The reference is the least a store has to do for the same work: take a page of members out of one sorted set
and put them into another, 200 a call. Beside each rate stands the processor time it takes the server.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import command, own_store, run, stint
from jobboard.core.runs.run import Result
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.store.runs.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure import Stint
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

JOBS = 20_000
PAGE = 200

_MOVE = """
local page = redis.call('ZRANGE', KEYS[1], 0, 199)
if #page == 0 then return 0 end
redis.call('ZREM', KEYS[1], unpack(page))
for _, member in ipairs(page) do redis.call('ZADD', KEYS[2], 1, member) end
return #page
"""


def main() -> None:
    """Measure and print."""
    with own_store() as (store, environ), tempfile.TemporaryDirectory() as folder:
        _sync(Path(folder), environ)
        moved_per_s = moving_per_s(store, JOBS)
        _say(f"claim, compute, fire, {JOBS:,} due jobs", _firing(store), moved_per_s)
        for limit in (1, 16, 64):
            _say(f"reserve and finish, {limit} a call", _working(store, limit), moved_per_s)
        for limit in (1, 16, 64):
            _say(f"both in one, {limit} a call", _exchanging(store, limit), moved_per_s)


def _say(what: str, done: Stint, moved_per_s: float) -> None:
    print(f"{what}: {done}   moving members: {moved_per_s:,.0f}/s   ratio {done.per_s / moved_per_s:.2f}")


def _sync(folder: Path, environ: dict[str, str]) -> None:
    jobs = "".join(f'  j{n}: {{run: "true", every: 1h, phase: {n % 3600}s}}\n' for n in range(JOBS))
    Path(folder, "many.yaml").write_text(f"board: many\njobs:\n{jobs}", encoding="utf-8")
    run(command("sync", str(folder), "--auto-approve"), environ, folder)


def moving_per_s(store: Store, count: int) -> float:
    """How many members a second the store alone moves from one sorted set to another, 200 a call."""
    names = [f"many/j{n}" for n in range(count)]
    for start in range(0, count, 1000):
        store.client.zadd("{bench}:a", dict.fromkeys(names[start : start + 1000], start))
    began = time.perf_counter()
    while store.client.eval(_MOVE, 2, "{bench}:a", "{bench}:b"):
        pass
    taken = time.perf_counter() - began
    store.client.delete("{bench}:b")
    return count / taken


def _firing(store: Store) -> Stint:
    # Every job is made due by moving its entry into the past; nothing else about it changes.
    due = store.key("sched")
    past = int(time.time() * 1000) - 3_600_000
    names = [member for member, _ in store.client.zscan_iter(due)]
    for start in range(0, len(names), 1000):
        store.client.zadd(due, dict.fromkeys(names[start : start + 1000], past))
        cursors = {name.decode(): past for name in names[start : start + 1000]}
        store.client.hset(store.key("cursor"), mapping=cursors)
    scheduler = Scheduler(store, name="bench")

    def fire() -> int:
        while store.client.zcard(store.key("queue", "common")) < JOBS:
            scheduler.turn()
        return JOBS

    return stint(store, fire)


def _working(store: Store, limit: int) -> Stint:
    runs, worker = _join(store, limit)

    def work() -> int:
        done = 0
        while done < _wanted(limit):
            reserved = runs.reserve(worker, ["common"], limit)
            runs.finish(worker, _ended(reserved))
            done += len(reserved)
        return done

    worked = stint(store, work)
    runs.bye(worker)
    return worked


def _exchanging(store: Store, limit: int) -> Stint:
    runs, worker = _join(store, limit)

    def work() -> int:
        done = 0
        reserved: list[Reserved] | None = runs.reserve(worker, ["common"], limit)
        while reserved and done < _wanted(limit):
            done += len(reserved)
            _, reserved = runs.finish_reserve(worker, _ended(reserved), ["common"], limit)
        return done

    worked = stint(store, work)
    runs.bye(worker)
    return worked


def _wanted(limit: int) -> int:
    return min(JOBS // 8, 400 * limit)


def _join(store: Store, limit: int) -> tuple[Runs, str]:
    runs, worker = Runs(store), f"bench-{limit}"
    runs.hello(
        worker, host="bench", pid=1, queues=["common"], slots=limit, lease_ms=60_000, version="0", holding=[]
    )
    return runs, worker


def _ended(reserved: Sequence[Reserved]) -> list[Result]:
    return [Result(r.run_id, r.token, "ok", exit_code=0, started_ago_ms=1, ended_ago_ms=0) for r in reserved]


if __name__ == "__main__":
    main()
