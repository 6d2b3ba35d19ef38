"""Pushes under a few ids, at random, beside a small model of what is known of each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from kit.engine import LEASE, MINUTE, Engine

from jobboard import errors
from jobboard.store.runs import pushes
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

T0 = 1_800_000_000_000
DAY = 24 * 60 * MINUTE
NAMES = "abcd"
SPEC = {"command": {"run": "true"}}


class Pusher:
    """The model: which ids wait, run and are known, up to when; how often each was to run, and did."""

    def __init__(self, engine: Engine, clock: StoreClock, chance: random.Random) -> None:
        self.engine, self.clock, self.chance = engine, clock, chance
        self.now = T0
        self.waiting: set[str] = set()
        self.running: dict[str, Reserved] = {}
        self.known: dict[str, int] = {}
        self.wanted = dict.fromkeys(NAMES, 0)
        self.ran = dict.fromkeys(NAMES, 0)

    def step(self) -> None:
        """Something happens."""
        self.chance.choice([self.push] * 4 + [self.take] * 2 + [self.end] * 2 + [self.wait])()

    def push(self) -> None:
        name, delay_ms = self.chance.choice(NAMES), self.chance.choice([0, 0, 2 * DAY])
        replaces = self.chance.random() < 0.3
        if replaces and name in self.running:
            with pytest.raises(errors.Refused, match="has started"):
                self._pushed(name, delay_ms, replace=True)
            return
        alive = name in self.waiting or name in self.running
        known = alive or self.known.get(name, 0) > self.now
        fresh = "replaced" if replaces and alive else "pushed"
        expected = "already" if known and not replaces else fresh
        assert self._pushed(name, delay_ms, replace=replaces) == expected
        if expected != "already":
            self.wanted[name] += name not in self.waiting
            self.waiting.add(name)
            self.known[name] = self.now + delay_ms + 14 * DAY

    def _pushed(self, name: str, delay_ms: int, *, replace: bool) -> str:
        said = pushes.Parcel("push/common", SPEC, name, delay_ms, replace=replace)
        (made,) = pushes.push(self.engine.store, [said], by="ana")
        return made.outcome

    def take(self) -> None:
        for run in self.engine.reserve(limit=1):
            name = run.run_id.partition("@")[2]
            self.waiting.remove(name)
            self.running[name] = run

    def end(self) -> None:
        if self.running:
            name = self.chance.choice(sorted(self.running))
            self.engine.finish(self.running.pop(name), self.chance.choice(["ok", "failed"]))
            self.ran[name] += 1

    def wait(self) -> None:
        # Never quite a number of days: the store's clock goes on by itself meanwhile.
        self.now += self.chance.choice([1, 5, 13]) * DAY + 61 * MINUTE
        self.clock.set(self.now)
        self.engine.runs.beat("w1", LEASE)
        self.engine.runs.tick("s1")

    def go_home(self) -> None:
        """Everything that waits runs, whenever it is due."""
        while self.waiting or self.running:
            self.wait()
            self.take()
            self.end()


@pytest.mark.parametrize("seed", range(8))
def test_each_id_runs_as_often_as_it_was_to(store: Store, clock: StoreClock, seed: int) -> None:
    clock.set(T0)
    pusher = Pusher(Engine.at_work(store), clock, random.Random(seed))
    for _ in range(150):
        pusher.step()
    pusher.go_home()
    assert pusher.ran == pusher.wanted
    assert max(pusher.ran.values()) > 1
    assert fsck.check(store) == []
