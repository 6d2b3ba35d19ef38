"""Locks: all or none, never over capacity, handed over by rank, and nobody forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import Engine

from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine.at_work(store)


def _run(engine: Engine, name: str, **spec: Any) -> str:
    engine.define(f"b/{name}", **spec)
    return engine.runs.start_run(f"b/{name}", by="ana")


def _holders(engine: Engine, lock: str) -> set[str]:
    return engine.members("lock", lock)


def test_one_at_a_time(engine: Engine) -> None:
    ids = [_run(engine, name, locks={"db": 1}) for name in "abc"]
    for expected in ids:
        (reserved,) = engine.reserve()
        assert reserved.run_id == expected
        assert _holders(engine, "db") == {expected}
        engine.finish(reserved)
    assert _holders(engine, "db") == set()


def test_a_semaphore_lets_as_many_in_as_it_says(engine: Engine) -> None:
    for name in "abcde":
        _run(engine, name, locks={"db": 3})
    reserved = engine.reserve()
    assert len(reserved) == 3
    engine.finish(reserved[0])
    assert len(engine.reserve()) == 1


def test_all_or_none(engine: Engine) -> None:
    _run(engine, "first", locks={"b": 1})
    (first,) = engine.reserve()
    both = _run(engine, "both", locks={"a": 1, "b": 1})
    assert engine.reserve() == []
    assert engine.state(both) == "waiting"
    assert _holders(engine, "a") == set()
    other = _run(engine, "other", locks={"a": 1})
    assert engine.reserve_one().run_id == other
    engine.finish(first)
    assert engine.reserve() == []
    assert engine.members("lockwait", "a") == {both}


def test_a_waiter_whose_last_lock_comes_free_gets_its_turn(engine: Engine) -> None:
    _run(engine, "one", locks={"a": 1})
    _run(engine, "two", locks={"b": 1})
    one, two = engine.reserve()
    both = _run(engine, "both", locks={"a": 1, "b": 1})
    engine.reserve()
    engine.finish(one)
    assert engine.reserve() == []
    engine.finish(two)
    assert engine.reserve_one().run_id == both


def test_rank_decides_who_is_next(engine: Engine) -> None:
    _run(engine, "holder", locks={"db": 1})
    holder = engine.reserve_one()
    low, high = _run(engine, "low", locks={"db": 1}), _run(engine, "high", locks={"db": 1}, priority=9)
    assert engine.reserve() == []
    engine.finish(holder)
    first = engine.reserve_one()
    assert first.run_id == high
    engine.finish(first)
    assert engine.reserve_one().run_id == low


def test_the_lock_is_free_while_a_run_waits_for_its_next_try(engine: Engine, clock: StoreClock) -> None:
    _run(engine, "a", locks={"db": 1})
    engine.finish(engine.reserve_one(), "retry", delay_ms=1_000)
    assert _holders(engine, "db") == set()
    other = _run(engine, "b", locks={"db": 1})
    assert engine.reserve_one().run_id == other
    clock.advance(1_000)
    engine.runs.tick("s1")
    assert engine.reserve() == []


def test_a_lost_worker_lets_go(engine: Engine) -> None:
    first = _run(engine, "a", locks={"db": 1}, on_lost="fail")
    engine.reserve_one()
    second = _run(engine, "b", locks={"db": 1})
    assert engine.reserve() == []
    engine.runs.lost("w1")
    engine.worker("w2")
    assert engine.reserve_one("w2").run_id == second
    assert engine.state(first) == "finished"


def test_a_cancelled_waiter_is_gone_from_the_line(engine: Engine) -> None:
    _run(engine, "a", locks={"db": 1})
    holder = engine.reserve_one()
    waiter = _run(engine, "b", locks={"db": 1})
    engine.reserve()
    engine.runs.cancel(waiter, "ana")
    engine.finish(holder)
    assert engine.members("lockwait", "db") == set()
    assert engine.reserve() == []


def test_a_waiter_in_a_queue_nobody_serves_blocks_nobody(engine: Engine) -> None:
    _run(engine, "holder", locks={"db": 1})
    holder = engine.reserve_one()
    asleep = _run(engine, "asleep", locks={"db": 1}, queue="asleep", priority=9)
    awake = _run(engine, "awake", locks={"db": 1})
    assert engine.reserve("w1", "common", "asleep") == []
    engine.finish(holder)
    assert engine.state(asleep) == "queued"
    assert engine.reserve() == []
    assert engine.reserve_one().run_id == awake


def test_more_waiters_than_one_scan_all_get_their_turn(engine: Engine) -> None:
    """The one that can run stands behind forty that miss another lock."""
    _run(engine, "a", locks={"a": 1}, priority=50)
    _run(engine, "b", locks={"b": 1}, priority=50)
    first, second = engine.reserve()
    for i in range(40):
        _run(engine, f"both{i}", locks={"a": 1, "b": 1}, priority=9)
    last = _run(engine, "last", locks={"a": 1})
    while engine.reserve(limit=50):
        pass
    engine.finish(first)
    for _ in range(4):
        engine.runs.tick("s1")
    assert engine.reserve_one().run_id == last
    engine.finish(second)
    assert fsck.check(engine.store) == []


def test_hundreds_of_hand_overs_of_one_lock(engine: Engine) -> None:
    engine.define("b/x", locks={"db": 2}, overlap="allow")
    for _ in range(300):
        engine.runs.start_run("b/x", by="ana")
    ended = 0
    while reserved := engine.reserve(limit=8):
        assert len(_holders(engine, "db")) <= 2
        for one in reserved:
            engine.finish(one)
        ended += len(reserved)
    assert ended == 300
    assert not engine.members("live", "b/x")
