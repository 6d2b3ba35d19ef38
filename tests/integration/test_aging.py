"""Queues in which waiting wins over priority: nothing waits for ever behind better ones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from kit.engine import MINUTE, Engine

from jobboard import Client, errors
from jobboard.store.runs import queues
from jobboard.store.runs.reschedule import reschedule
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

BY = {"actor": "ana"}
AGING = 10 * MINUTE


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    """A namespace with a worker, whose queue ages; it holds together when the test is over."""
    built = Engine(store)
    built.worker(lease_ms=1_000_000 * MINUTE)
    queues.limit(store, "common", aging_ms=AGING, by=BY)
    yield built
    assert fsck.check(store) == []


def start(engine: Engine, priority: int = 0, queue: str = "common") -> str:
    """A run of that priority."""
    engine.define(f"b/p{priority}-{queue}", overlap="allow", priority=priority, queue=queue)
    return engine.runs.start_run(f"b/p{priority}-{queue}", by="ana")


def served(engine: Engine, limit: int = 1) -> list[str]:
    return [run.run_id for run in engine.reserve(limit=limit)]


def test_what_has_waited_long_enough_goes_first(engine: Engine, clock: StoreClock) -> None:
    low = start(engine)
    clock.advance(AGING - 1_000)
    high = start(engine, 9)
    assert served(engine) == [high]
    high = start(engine, 9)
    clock.advance(1_000)
    assert served(engine, 2) == [low, high]


def test_among_those_the_oldest_goes_first_whatever_its_priority(engine: Engine, clock: StoreClock) -> None:
    old = [start(engine, priority) for priority in (-5, 7, 0, -1000, 999)]
    clock.advance(AGING)
    young = [start(engine, 999), start(engine, 500)]
    assert served(engine, 4) == old[:4]
    assert served(engine, 4) == [old[4], *young]


def test_what_comes_back_goes_first_again(engine: Engine, clock: StoreClock) -> None:
    low = start(engine)
    clock.advance(AGING)
    high = start(engine, 9)
    (run,) = engine.reserve(limit=1)
    assert run.run_id == low
    engine.runs.give_back("w1", [(run.run_id, run.token)])
    assert served(engine, 2) == [low, high]


def test_waiting_begins_when_a_run_is_due(engine: Engine, clock: StoreClock) -> None:
    later = start(engine)
    reschedule(engine.store, [later], by=BY, delay_ms=60 * MINUTE)
    clock.advance(60 * MINUTE)
    engine.runs.tick("s1")
    high = start(engine, 9)
    assert served(engine) == [high]
    clock.advance(AGING)
    start(engine, 9)
    assert served(engine) == [later]


def test_without_it_better_ones_go_first_for_ever(engine: Engine, clock: StoreClock) -> None:
    queues.limit(engine.store, "common", limit=50, by=BY)
    start(engine)
    clock.advance(100 * AGING)
    high = start(engine, 1)
    assert served(engine) == [high]


def test_another_queue_does_not_age(engine: Engine, clock: StoreClock) -> None:
    engine.worker("w2", "side")
    start(engine, 0, "side")
    clock.advance(AGING)
    high = start(engine, 1, "side")
    assert engine.reserve("w2", "side", limit=1)[0].run_id == high


@pytest.mark.parametrize("seed", range(4))
def test_nobody_starves_whatever_comes(engine: Engine, clock: StoreClock, seed: int) -> None:
    """Twice as much comes as goes: still every run that has waited so long goes in the order it came."""
    chance = random.Random(seed)
    waiting: dict[str, tuple[int, int]] = {}
    for step in range(120):
        for _ in range(2 if step < 60 else 0):
            priority = chance.choice([-1000, -3, 0, 5, 999])
            waiting[start(engine, priority)] = (step, priority)
        clock.advance(MINUTE)
        (run_id,) = served(engine)
        came = {known: when for known, (when, _) in waiting.items()}
        aged = [known for known in waiting if step + 1 - came[known] >= AGING // MINUTE]
        best = max(waiting, key=lambda known: waiting[known][1])
        assert run_id == (aged[0] if aged else best)
        del waiting[run_id]
    assert waiting == {}


def test_more_priorities_than_one_call_looks_at_are_looked_at_in_turn(
    engine: Engine, clock: StoreClock
) -> None:
    low = {start(engine, priority) for priority in range(-220, 0)}
    clock.advance(AGING)
    better = [start(engine, 999) for _ in range(300)]
    got: set[str] = set()
    while low - got:
        (run_id,) = served(engine)
        got.add(run_id)
    assert not got & set(better[100:])


def test_a_program_sets_it_too(engine: Engine, store: Store) -> None:
    with Client(store.url, store.namespace, actor="ana") as client:
        client.limit("common", aging="5m", limit=3)
        with pytest.raises(errors.UsageError, match="1s or more"):
            client.limit("common", aging="5ms")
    assert queues.read_rules(store)["common"] == queues.Rule(3, aging_ms=5 * MINUTE)
