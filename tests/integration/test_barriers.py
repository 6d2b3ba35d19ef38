"""A run that keeps missing a lock gets its turn; whatever happens, no lock is over capacity or leaks."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from kit.engine import LEASE, Engine
from kit.made import made

from jobboard.store.runs.heldlocks import unlock
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

PATIENCE = 8
ENDS: tuple[Word, ...] = ("ok", "ok", "failed", "retry", "drained")
YOUTH = 1 << 40
"""A run's score is its priority times this, and then its age."""


def age(engine: Engine, run_id: str) -> int:
    return int(made(engine.store, run_id)["score"]) % YOUTH


def tired(engine: Engine) -> str:
    """A run of two locks that never are free at once, until it raises a barrier; its id."""
    for name in ("a", "b"):
        engine.define(f"b/{name}", locks={name: 1}, overlap="allow")
        engine.runs.start_run(f"b/{name}", by="ana")
    held = {run.address: run for run in engine.reserve()}
    engine.define("b/both", locks={"a": 1, "b": 1})
    both = engine.runs.start_run("b/both", by="ana")
    engine.reserve()
    for turn in range(2 * PATIENCE):
        address = "b/a" if turn % 2 == 0 else "b/b"
        engine.runs.start_run(address, by="ana")
        engine.reserve()
        engine.finish(held.pop(address))
        held |= {run.address: run for run in engine.reserve()}
        if both in engine.members("barriers"):
            break
    assert engine.members("barriers") == engine.members("barrier", "a") == {both}
    for run in held.values():
        engine.finish(run)
    return both


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine.at_work(store)


def test_a_run_that_keeps_missing_a_lock_gets_its_turn(engine: Engine) -> None:
    both = tired(engine)
    engine.runs.start_run("b/a", by="ana")
    first = engine.reserve_one()
    assert first.run_id == both
    assert engine.members("barriers") == engine.members("barrier", "a") == set()
    engine.finish(first)
    assert {run.address for run in engine.reserve()} <= {"b/a", "b/b"}
    assert fsck.check(engine.store) == []


def test_nobody_younger_passes_a_barrier_whatever_its_priority(engine: Engine) -> None:
    both = tired(engine)
    engine.define("b/urgent", locks={"a": 1}, priority=900)
    urgent = engine.runs.start_run("b/urgent", by="ana")
    engine.worker("w2")
    assert [run.run_id for run in engine.runs.reserve("w2", ["common"], 1)] == [both]
    assert engine.state(urgent) == "waiting"


def test_a_barrier_whose_run_is_called_off_falls(engine: Engine) -> None:
    both = tired(engine)
    engine.runs.start_run("b/a", by="ana")
    engine.runs.cancel(both, "ana")
    assert engine.members("barriers") == engine.members("barrier", "a") == set()
    assert "b/a" in {run.address for run in engine.reserve()}
    assert fsck.check(engine.store) == []


def test_a_barrier_in_a_queue_nobody_serves_falls_after_ten_seconds(
    engine: Engine, clock: StoreClock
) -> None:
    both = tired(engine)
    assert engine.state(both) == "queued"
    engine.define("b/other", locks={"a": 1}, queue="side")
    other = engine.runs.start_run("b/other", by="ana")
    engine.worker("w2", "side")
    assert engine.reserve("w2", "side") == []
    assert engine.runs.tick("s1").next_at_ms is not None
    clock.advance(10_000)
    engine.runs.tick("s1")
    assert engine.reserve_one("w2", "side").run_id == other
    assert engine.reserve() == []
    assert engine.members("barriers") == {both}, "one more miss brings it back"
    assert fsck.check(engine.store) == []


def test_what_is_broken_about_barriers_is_found_and_mended(engine: Engine) -> None:
    both = tired(engine)
    key = engine.store.key
    engine.client.zrem(key("barrier", "b"), both)
    engine.client.zadd(key("barrier", "a"), {"b/ghost@x": 1})
    engine.client.zadd(key("barriers"), {"b/ghost@y": 1})
    assert {problem.kind for problem in fsck.repair(engine.store)} == {"barrier", "barriers"}
    assert fsck.check(engine.store) == []
    assert engine.members("barrier", "b") == {both}


@dataclass(slots=True)
class Crowd:
    """Runs of random locks over three queues and workers that come, work and die."""

    engine: Engine
    clock: StoreClock
    chance: random.Random
    capacity: dict[str, int] = field(default_factory=dict)
    running: dict[str, list[Reserved]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.capacity = {lock: self.chance.randint(1, 3) for lock in "abcd"}
        for number in range(8):
            chosen = self.chance.sample(sorted(self.capacity), self.chance.randint(1, 3))
            self.engine.define(
                f"b/j{number}",
                locks={lock: self.capacity[lock] for lock in chosen},
                queue=self.chance.choice(["q0", "q1", "q2"]),
                priority=self.chance.choice([0, 0, 0, 5]),
                overlap="allow",
            )
        for number in range(3):
            self._enter(f"w{number}")

    def _enter(self, worker: str) -> None:
        self.engine.worker(worker, "q0", "q1", "q2")
        self.running[worker] = []

    def step(self) -> None:
        """Something happens."""
        deeds = (
            [self.start] * 4
            + [self.take] * 6
            + [self.end] * 6
            + [self.tick, self.die, self.cancel, self.lose]
        )
        self.chance.choice(deeds)()
        self.holds_together()

    def start(self) -> None:
        self.engine.runs.start_run(f"b/j{self.chance.randrange(8)}", by="ana")

    def take(self) -> None:
        worker = self.chance.choice(sorted(self.running))
        queues = self.chance.sample(["q0", "q1", "q2"], self.chance.randint(1, 3))
        before = self.engine.members("barriers")
        taken = self.engine.runs.reserve(worker, queues, 1)
        self.running[worker] += taken
        for run in taken:
            self._passed_none_of(before, run)

    def _passed_none_of(self, before: set[str], run: Reserved) -> None:
        """Those who had a barrier, have it still and are older have a place left at every lock."""
        own = age(self.engine, run.run_id)
        for lock, capacity in run.spec["locks"].items():
            barred = before & self.engine.members("barrier", lock)
            older = [one for one in barred if age(self.engine, one) < own]
            assert len(self.engine.members("lock", lock)) + len(older) <= capacity

    def end(self) -> None:
        busy = [worker for worker, runs in sorted(self.running.items()) if runs]
        if busy:
            worker = self.chance.choice(busy)
            run = self.running[worker].pop(self.chance.randrange(len(self.running[worker])))
            verdict = self.chance.choice(ENDS)
            self.engine.finish(run, verdict, worker, delay_ms=1_000 if verdict == "retry" else 0)

    def die(self) -> None:
        worker = self.chance.choice(sorted(self.running))
        self.engine.runs.lost(worker)
        self._enter(worker)

    def cancel(self) -> None:
        waiting = [run for lock in self.capacity for run in self.engine.members("lockwait", lock)]
        if waiting:
            self.engine.runs.cancel(self.chance.choice(sorted(waiting)), "ana")

    def lose(self) -> None:
        """Somebody breaks a lock."""
        lock = self.chance.choice(sorted(self.capacity))
        held = sorted(self.engine.members("lock", lock))
        if held:
            unlock(self.engine.store, lock, self.chance.choice(held), by={"actor": "ana", "reason": "x"})

    def tick(self) -> None:
        self.clock.advance(self.chance.choice([500, 5_000, 20_000]))
        for worker in self.running:
            self.engine.runs.beat(worker, LEASE)
        self.engine.runs.tick("s1")

    def holds_together(self) -> None:
        for lock, capacity in self.capacity.items():
            assert len(self.engine.members("lock", lock)) <= capacity

    def go_home(self) -> None:
        """No more runs come; all there are end."""
        for _ in range(1_000):
            self.tick()
            for worker in self.running:
                self.running[worker] += self.engine.runs.reserve(worker, ["q0", "q1", "q2"], 10)
                for run in self.running[worker]:
                    self.engine.finish(run, "ok", worker)
                self.running[worker] = []
            if not any(self.engine.members("live", f"b/j{number}") for number in range(8)):
                return
        raise AssertionError("some never ran")


@pytest.mark.parametrize("round_", range(3))
def test_whatever_happens_no_lock_is_over_capacity_or_leaks_and_all_get_their_turn(
    store: Store, clock: StoreClock, round_: int
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed} of round {round_}")  # noqa: T201 - shown with a failure
    crowd = Crowd(Engine(store), clock, random.Random(seed))
    for number in range(400):
        crowd.step()
        if number % 20 == 0:
            assert fsck.check(store) == []
    crowd.go_home()
    for lock in crowd.capacity:
        for family in ("lock", "lockwait", "barrier"):
            assert crowd.engine.members(family, lock) == set()
    assert crowd.engine.members("barriers") == crowd.engine.members("lockrescan") == set()
    assert fsck.check(store) == []
