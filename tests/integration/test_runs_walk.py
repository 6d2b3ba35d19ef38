"""Random walks over the run path: real scripts beside a small model, every invariant after every step."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.clock import StoreClock
from kit.engine import MINUTE, NEVER, Engine
from kit.server import Server, fresh_namespace

from jobboard.core.runs.run import MAX_LOST, Result
from jobboard.store.calls.connect import Store
from jobboard.store.calls.wire import unpack
from jobboard.store.runs import marks, past
from jobboard.store.runs.destroy import destroy
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobboard.core.runs.record import Record
    from jobboard.core.runs.run import Word
    from jobboard.store.runs.runs import Reserved

T0 = 1_600_000_000_000
JOBS: dict[str, dict[str, Any]] = {
    "b/plain": {},
    "b/many": {"overlap": "allow", "priority": 3},
    "b/one": {"locks": {"db": 1}, "overlap": "allow"},
    "b/two": {"locks": {"db": 1, "disk": 2}, "overlap": "allow"},
    "b/side": {"locks": {"disk": 2}, "queue": "side", "overlap": "allow", "on_lost": "fail"},
    "b/child": {"after": ["b/plain"], "overlap": "allow", "locks": {"disk": 2}},
}
CAPACITY = {"db": 1, "disk": 2}
WORKERS = ("w1", "w2")
TAGS = ("acme", "db", "vip")
BY = {"actor": "ana"}
VERDICTS: tuple[Word, ...] = ("ok", "failed", "retry", "defer", "drained", "lost", "cancelled")


class Walk:
    """The model: which runs are ready, delayed or running, with what counters; which have ended."""

    def __init__(self, server: Server, seed: int) -> None:
        self.random = random.Random(seed)
        self.store = Store(server.url, fresh_namespace())
        self.store.client.hset(self.store.key("meta"), "test", "1")
        self.clock = StoreClock(self.store)
        self.engine = Engine(self.store)
        for address, spec in JOBS.items():
            schedule = {} if "after" in spec else {"schedule": {"every": MINUTE}}
            self.engine.define(address, **schedule, **spec)
            if schedule:
                self.store.client.zadd(self.store.key("sched"), {address: NEVER})
        for worker in WORKERS:
            self.engine.worker(worker)
        self.nominal = T0
        self.token = 0
        self.ready: set[str] = set()
        self.delayed: set[str] = set()
        self.running: dict[str, tuple[str, Reserved]] = {}
        self.stopping: set[str] = set()
        self.past: list[tuple[str, Reserved]] = []
        self.lost: dict[str, int] = {}
        self.ended: list[str] = []
        self.doomed: set[str] = set()
        self.tags: dict[str, set[str]] = {}
        self.tracked: set[str] = set()

    def close(self) -> None:
        """Leave nothing behind."""
        keys = list(self.store.client.scan_iter(match=self.store.key("*"), count=1000))
        self.store.client.delete(*keys)
        self.store.close()

    # What happens

    def fire(self) -> None:
        address = self.random.choice([a for a in JOBS if a != "b/child"])
        self.nominal += MINUTE
        tag, run_id = self.engine.fire(address, self.nominal, next_due=NEVER)
        alive = any(_job(run) == address for run in self._live())
        assert tag == ("SKIPPED" if alive and "overlap" not in JOBS[address] else "FIRED")
        if run_id:
            self.ready.add(run_id)

    def reserve(self) -> None:
        self._reserve(self.random.choice(WORKERS), self.random.randint(1, 4))

    def _reserve(self, worker: str, limit: int) -> None:
        self._take(worker, self.engine.reserve(worker, "common", "side", limit=limit))

    def _take(self, worker: str, runs: Iterable[Reserved]) -> None:
        for reserved in runs:
            assert reserved.run_id in self.ready
            assert reserved.token > self.token
            assert reserved.lost == self.lost.get(reserved.run_id, 0)
            self.token = reserved.token
            self.ready.remove(reserved.run_id)
            self.running[reserved.run_id] = (worker, reserved)

    def finish(self) -> None:
        if not self.running:
            return
        run_id = self.random.choice(sorted(self.running))
        verdict, delay = self.random.choice(VERDICTS), self.random.choice([0, MINUTE])
        worker, reserved = self.running[run_id]
        tag = self.engine.finish(reserved, verdict, worker, delay_ms=delay)
        self._leave(run_id)
        if verdict == "lost":
            self._lose(run_id)
            assert tag == "FINISHED"
        elif run_id in self.stopping or verdict in ("ok", "failed", "cancelled"):
            self._end(run_id)
            assert tag == "FINISHED"
        elif verdict == "drained" or delay == 0:
            self.ready.add(run_id)
            assert tag in ("RETRIED", "DEFERRED")
        else:
            self.delayed.add(run_id)
            assert tag in ("RETRIED", "DEFERRED")
        if verdict == "ok" and _job(run_id) == "b/plain":
            self.ready.add(run_id.replace("b/plain", "b/child"))

    def finish_and_reserve(self) -> None:
        if not self.running:
            return
        run_id = self.random.choice(sorted(self.running))
        worker, reserved = self.running[run_id]
        result = Result(run_id, reserved.token, "failed")
        tags, runs = self.engine.runs.finish_reserve(worker, [result], ["common", "side"], 3)
        self._leave(run_id)
        self._end(run_id)
        assert tags == ["FINISHED"]
        assert runs is not None
        self._take(worker, runs)

    def repeat_a_result(self) -> None:
        if not self.past:
            return
        worker, reserved = self.random.choice(self.past[-8:])
        verdict = self.random.choice(VERDICTS)
        assert self.engine.finish(reserved, verdict, worker) in ("ALREADY", "FENCED")

    def give_back(self) -> None:
        if not self.running:
            return
        run_id = self.random.choice(sorted(self.running))
        worker, reserved = self.running.pop(run_id)
        assert self.engine.runs.give_back(worker, [(run_id, reserved.token)]) == 1
        if run_id in self.stopping:
            self._end(run_id)
        else:
            self.ready.add(run_id)

    def cancel(self) -> None:
        if not self._live():
            return
        run_id = self.random.choice(sorted(self._live()))
        tag = self.engine.runs.cancel(run_id, "ana")
        if run_id in self.running:
            assert tag == ("ALREADY" if run_id in self.stopping else "STOPPING")
            self.stopping.add(run_id)
        else:
            assert tag == "CANCELLED"
            self.ready.discard(run_id)
            self.delayed.discard(run_id)
            self._end(run_id)

    def mark(self) -> None:
        run = self._any()
        if run is None:
            return
        add, remove = (self.random.sample(TAGS, self.random.randint(0, 2)) for _ in range(2))
        tracked = self.random.choice([True, False, None])
        found = marks.mark(self.store, run, by=BY, add=add, remove=remove, tracked=tracked)
        tags = self.tags.setdefault(run.run_id, set())
        tags -= set(remove)
        tags |= set(add)
        if tracked is not None:
            (self.tracked.add if tracked else self.tracked.discard)(run.run_id)
        assert found == marks.Marks(tuple(sorted(tags)), run.run_id in self.tracked)

    def destroy(self) -> None:
        run = self._any()
        if run is None:
            return
        outcome = destroy(self.store, run, by=BY, force=True).outcome
        if run.run_id in self.running:
            assert outcome == "stopping"
            self.stopping.add(run.run_id)
            self.doomed.add(run.run_id)
            return
        assert outcome == "destroyed"
        self.ready.discard(run.run_id)
        self.delayed.discard(run.run_id)
        self.ended = [ended for ended in self.ended if ended != run.run_id]
        self._forget(run.run_id)

    def worker_dies(self) -> None:
        worker = self.random.choice(WORKERS)
        mine = [run for run, (holder, _) in self.running.items() if holder == worker]
        assert self.engine.runs.lost(worker) == len(mine)
        for run_id in mine:
            self._leave(run_id)
            self._lose(run_id)
        self.engine.worker(worker)

    def time_passes(self) -> None:
        self.clock.advance(MINUTE + 1)
        for worker in WORKERS:
            assert self.engine.runs.beat(worker, MINUTE).known
        assert self.engine.runs.tick("s1").promoted == len(self.delayed)
        self.ready |= self.delayed
        self.delayed.clear()

    def nobody_is_forgotten(self) -> None:
        """Once nothing more is handed out, whoever is ready misses a lock, or stands behind a barrier."""
        idle = 0
        while idle < 3:
            before = len(self.running)
            self._reserve("w1", 50)
            idle = idle + 1 if len(self.running) == before else 0
        held = self._held()
        for run_id in self.ready:
            locks = JOBS[_job(run_id)].get("locks", {})
            barred = any(self.engine.members("barrier", lock) - {run_id} for lock in locks)
            assert barred or any(len(held[lock]) >= CAPACITY[lock] for lock in locks), run_id

    # What always holds

    def every_run_is_where_the_model_has_it(self) -> None:
        for run_id in self.ready:
            assert self.engine.state(run_id) in ("queued", "waiting")
        for run_id in self.delayed:
            assert self.engine.state(run_id) == "delayed"
        for run_id in self.running:
            assert self.engine.state(run_id) == ("stopping" if run_id in self.stopping else "running")

    def locks_are_held_by_what_runs_and_never_over_capacity(self) -> None:
        for lock, holders in self._held().items():
            assert self.engine.members("lock", lock) == holders
            assert len(holders) <= CAPACITY[lock]

    def every_run_ends_once(self) -> None:
        entries = cast(
            "list[tuple[bytes, dict[bytes, bytes]]]", self.store.client.xrange(self.store.key("history"))
        )
        records = [unpack(fields[b"r"]) for _, fields in entries]
        assert sorted(r["id"] for r in records if "id" in r) == sorted(self.ended)

    def marks_are_where_they_were_put(self) -> None:
        for run_id, tags in self.tags.items():
            run = past.read_run(self.store, run_id)
            assert run is not None
            (run,) = marks.marked(self.store, [run])
            assert (set(run.tags), run.tracked) == (tags, run_id in self.tracked)
        assert marks.tracked_ids(self.store) == self.tracked

    def everything_holds_together(self) -> None:
        assert fsck.check(self.store) == []

    # The model's own steps

    def _live(self) -> set[str]:
        return self.ready | self.delayed | set(self.running)

    def _any(self) -> Record | None:
        """Some run, live or over, unless it is about to be destroyed."""
        known = sorted((self._live() | set(self.ended)) - self.doomed)
        return past.read_run(self.store, self.random.choice(known)) if known else None

    def _forget(self, run_id: str) -> None:
        self.tags.pop(run_id, None)
        self.tracked.discard(run_id)

    def _leave(self, run_id: str) -> None:
        self.past.append(self.running.pop(run_id))

    def _end(self, run_id: str) -> None:
        self.stopping.discard(run_id)
        if run_id in self.doomed:
            self.doomed.remove(run_id)
            self._forget(run_id)
        else:
            self.ended.append(run_id)

    def _lose(self, run_id: str) -> None:
        self.lost[run_id] = self.lost.get(run_id, 0) + 1
        final = JOBS[_job(run_id)].get("on_lost") == "fail" or self.lost[run_id] >= MAX_LOST
        if final or run_id in self.stopping:
            self._end(run_id)
        else:
            self.ready.add(run_id)

    def _held(self) -> dict[str, set[str]]:
        return {
            lock: {run for run in self.running if lock in JOBS[_job(run)].get("locks", {})}
            for lock in CAPACITY
        }


def _job(run_id: str) -> str:
    return run_id.partition("@")[0]


@pytest.mark.parametrize("seed", range(5))
def test_random_walks(server: Server, seed: int) -> None:
    walk = Walk(server, seed)
    steps = {
        walk.fire: 20,
        walk.reserve: 12,
        walk.finish: 14,
        walk.finish_and_reserve: 8,
        walk.repeat_a_result: 5,
        walk.give_back: 4,
        walk.cancel: 4,
        walk.mark: 8,
        walk.destroy: 4,
        walk.worker_dies: 4,
        walk.time_passes: 4,
        walk.nobody_is_forgotten: 2,
    }
    for step in walk.random.choices(list(steps), list(steps.values()), k=250):
        step()
        walk.every_run_is_where_the_model_has_it()
        walk.locks_are_held_by_what_runs_and_never_over_capacity()
        walk.every_run_ends_once()
        walk.marks_are_where_they_were_put()
        walk.everything_holds_together()
    walk.close()
