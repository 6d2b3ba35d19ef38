"""Handing runs to workers: in order, under a token, all or nothing, and again when the reply was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.engine import Engine

from jobboard import errors
from jobboard.core.runs.run import Result
from jobboard.store.runs.runs import UnknownWorker

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store

T0 = 1_600_000_000_000


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine.at_work(store)


def _run(engine: Engine, address: str, **spec: object) -> str:
    engine.define(address, **spec)
    return engine.runs.start_run(address, by="ana")


def test_a_reserved_run_carries_what_a_worker_needs(engine: Engine) -> None:
    engine.define("b/x", command={"exec": ["echo", "\udcff"]}, env={"A": "1"})
    run_id = engine.fired("b/x", T0)
    reserved = engine.reserve_one()
    assert (reserved.run_id, reserved.address, reserved.nominal_ms) == (run_id, "b/x", T0)
    assert (reserved.attempt, reserved.lost, reserved.defers, reserved.revision) == (1, 0, 0, 1)
    assert (reserved.trigger, reserved.due_at_ms) == ("schedule", T0)
    assert reserved.spec == {"command": {"exec": ["echo", "\udcff"]}, "env": {"A": "1"}}


def test_an_edit_leaves_a_run_that_was_made_alone(engine: Engine) -> None:
    _run(engine, "b/x", cwd="/old")
    engine.define("b/x", cwd="/new")
    assert engine.reserve_one().spec["cwd"] == "/old"


def test_the_best_come_first_then_the_oldest(engine: Engine) -> None:
    low = _run(engine, "b/low", priority=-5)
    one, two = _run(engine, "b/one"), _run(engine, "b/two")
    high = _run(engine, "b/high", priority=7)
    assert [r.run_id for r in engine.reserve()] == [high, one, two, low]


def test_order_holds_over_several_queues(engine: Engine) -> None:
    first = _run(engine, "b/a", queue="side")
    second = _run(engine, "b/b")
    third = _run(engine, "b/c", queue="side")
    assert [r.run_id for r in engine.reserve("w1", "common", "side")] == [first, second, third]


def test_only_the_queues_asked_for(engine: Engine) -> None:
    _run(engine, "b/a", queue="side")
    assert engine.reserve("w1", "common") == []


def test_never_more_than_asked_for(engine: Engine) -> None:
    for name in "abc":
        _run(engine, f"b/{name}")
    assert len(engine.reserve(limit=2)) == 2
    assert len(engine.reserve(limit=2)) == 1


def test_what_is_left_behind_wakes_the_next(engine: Engine) -> None:
    for name in "abc":
        _run(engine, f"b/{name}")
    engine.client.delete(engine.store.key("wake", "common"))
    engine.reserve(limit=2)
    assert engine.client.llen(engine.store.key("wake", "common")) == 1
    engine.client.delete(engine.store.key("wake", "common"))
    engine.reserve(limit=2)
    assert engine.client.llen(engine.store.key("wake", "common")) == 0


def test_tokens_grow(engine: Engine) -> None:
    for name in "abc":
        _run(engine, f"b/{name}")
    tokens = [r.token for r in engine.reserve()]
    assert tokens == sorted(set(tokens))


def test_a_worker_nobody_knows_gets_nothing(engine: Engine) -> None:
    with pytest.raises(UnknownWorker):
        engine.reserve("stranger")


def test_the_same_request_gets_the_same_runs(engine: Engine) -> None:
    for name in "abc":
        _run(engine, f"b/{name}")
    asked = {"worker": "w1", "queues": ["common"], "limit": 2, "request": "r1"}
    first = engine.store.call("reserve", **asked)
    assert engine.store.call("reserve", **asked)[2] == first[2]
    assert len(engine.reserve()) == 1


def test_giving_back_restores_the_place(engine: Engine) -> None:
    first, second = _run(engine, "b/a"), _run(engine, "b/b")
    taken = engine.reserve(limit=1)
    assert engine.runs.give_back("w1", [(r.run_id, r.token) for r in taken]) == 1
    again = engine.reserve()
    assert [r.run_id for r in again] == [first, second]
    assert again[0].attempt == 1


def test_giving_back_what_is_no_longer_ones_own_does_nothing(engine: Engine) -> None:
    _run(engine, "b/a")
    reserved = engine.reserve_one()
    assert engine.runs.give_back("w1", [(reserved.run_id, reserved.token + 1)]) == 0
    assert engine.runs.give_back("w2", [(reserved.run_id, reserved.token)]) == 0
    assert engine.state(reserved.run_id) == "running"


def test_a_queue_entry_of_no_run_is_passed_over(engine: Engine) -> None:
    engine.client.zadd(engine.store.key("queue", "common"), {"b/ghost@x": 1})
    run_id = _run(engine, "b/a")
    assert [r.run_id for r in engine.reserve()] == [run_id]


def test_hello_again_keeps_what_is_still_its_own_and_drops_the_rest(engine: Engine) -> None:
    _run(engine, "b/a")
    mine = engine.reserve_one()
    hello = engine.runs.hello(
        "w1",
        host="here",
        pid=1,
        queues=["common"],
        slots=1,
        lease_ms=1_000,
        version="1",
        holding=[(mine.run_id, mine.token), ("b/other@x", 7)],
    )
    assert hello.drop == ["b/other@x"]
    assert engine.state(mine.run_id) == "running"


def test_hello_without_a_run_it_was_handed_gives_it_back(engine: Engine) -> None:
    run_id = _run(engine, "b/a")
    engine.reserve_one()
    engine.worker("w1")
    again = engine.reserve_one()
    assert (again.run_id, again.attempt, again.lost) == (run_id, 1, 0)


def test_a_beat_of_a_worker_nobody_knows_says_so(engine: Engine) -> None:
    assert engine.runs.beat("w1", 1_000).known
    assert not engine.runs.beat("stranger", 1_000).known


def test_results_and_the_next_runs_in_one_call(engine: Engine) -> None:
    first, second = _run(engine, "b/a", locks={"db": 1}), _run(engine, "b/b", locks={"db": 1})
    (held,) = engine.reserve()
    assert held.run_id == first
    tags, runs = engine.runs.finish_reserve("w1", [Result(first, held.token, "ok")], ["common"], 5)
    assert tags == ["FINISHED"]
    assert runs is not None
    assert [run.run_id for run in runs] == [second]
    assert runs[0].token > held.token


def test_results_of_a_worker_the_store_forgot_are_taken_all_the_same(engine: Engine) -> None:
    run_id = _run(engine, "b/a")
    (held,) = engine.reserve()
    engine.client.zrem(engine.store.key("workers"), "w1")
    answer = engine.runs.finish_reserve("w1", [Result(run_id, held.token, "ok")], ["common"], 5)
    assert answer == (["FINISHED"], None)
    assert engine.state(run_id) == "finished"


def test_a_full_store_hands_nothing_out_and_takes_results_even_so(engine: Engine) -> None:
    run_id = _run(engine, "b/a")
    (held,) = engine.reserve()
    result = Result(run_id, held.token, "ok")
    engine.client.config_set("maxmemory", "1")
    try:
        with pytest.raises(errors.StoreFull):
            engine.runs.finish_reserve("w1", [result], ["common"], 5)
        assert engine.state(run_id) == "running"
        assert engine.runs.finish("w1", [result]) == ["FINISHED"]
    finally:
        engine.client.config_set("maxmemory", "0")
