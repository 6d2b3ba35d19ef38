"""Workers that are gone: seen by their lease, only while somebody looked, and what their jobs say to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.engine import LEASE, T0, Engine

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

STEP = 1_000


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine.at_work(store, "b/x")


def _watch(engine: Engine, clock: StoreClock, span_ms: int) -> list[str]:
    """Let time pass while a scheduler looks every second; the workers reaped."""
    reaped = engine.runs.tick("s1").reaped
    for _ in range(span_ms // STEP):
        clock.advance(STEP)
        reaped += engine.runs.tick("s1").reaped
    return reaped


def test_a_silent_worker_is_reaped_when_its_lease_ends(engine: Engine, clock: StoreClock) -> None:
    reserved = engine.running()
    assert _watch(engine, clock, LEASE - 2 * STEP) == []
    assert _watch(engine, clock, 4 * STEP) == ["w1"]
    assert engine.state(reserved.run_id) == "queued"
    assert engine.members("workers") == set()


def test_a_beat_keeps_it(engine: Engine, clock: StoreClock) -> None:
    engine.running()
    for _ in range(4):
        assert _watch(engine, clock, LEASE // 2) == []
        assert engine.runs.beat("w1", LEASE).known


def test_time_in_which_nobody_looked_does_not_count(engine: Engine, clock: StoreClock) -> None:
    engine.running()
    engine.runs.tick("s1")
    clock.advance(10 * LEASE)
    assert _watch(engine, clock, LEASE - 2 * STEP) == []
    assert engine.runs.beat("w1", LEASE).known
    assert _watch(engine, clock, LEASE - 2 * STEP) == []


def test_after_such_a_gap_one_lease_is_enough(engine: Engine, clock: StoreClock) -> None:
    engine.running()
    engine.runs.tick("s1")
    clock.advance(10 * LEASE)
    assert _watch(engine, clock, LEASE + STEP) == ["w1"]


def test_a_worker_seen_to_die_is_not_waited_for(engine: Engine) -> None:
    reserved = engine.running()
    assert engine.runs.lost("w1") == 1
    assert engine.state(reserved.run_id) == "queued"
    assert engine.runs.lost("w1") == 0


def test_a_worker_that_says_goodbye_leaves_nothing(engine: Engine) -> None:
    assert engine.runs.bye("w1") == 0
    assert engine.members("workers") == set()
    assert not engine.client.exists(engine.store.key("worker", "w1"))


def test_a_dead_workers_many_runs_are_lost_in_pages(engine: Engine) -> None:
    for i in range(450):
        engine.define(f"b/j{i}")
        engine.runs.start_run(f"b/j{i}", by="ana")
    assert len(engine.reserve(limit=450)) == 450
    assert engine.runs.lost("w1") == 450
    engine.worker("w2")
    assert len(engine.reserve("w2", limit=450)) == 450


def test_a_lost_attempt_uses_up_no_try_and_is_remembered(engine: Engine) -> None:
    engine.running()
    engine.runs.lost("w1")
    engine.worker("w2")
    again = engine.reserve_one("w2")
    assert (again.attempt, again.lost) == (1, 1)
    engine.finish(again, name="w2")
    (record,) = engine.last("b/x")
    assert [(t["state"], t["worker"], t["reason"]) for t in record["tries"]] == [
        ("lost", "w1", "worker lost")
    ]


def test_three_crashes_and_no_more(engine: Engine) -> None:
    engine.fired("b/x", T0)
    for worker in ("w1", "w2", "w3"):
        engine.worker(worker)
        engine.reserve_one(worker)
        engine.runs.lost(worker)
    engine.worker("w4")
    assert engine.reserve("w4") == []
    (record,) = engine.last("b/x")
    assert (record["state"], record["lost"]) == ("lost", 3)
    assert record["reason"] == "worker lost, for the third time"


@pytest.mark.parametrize(("rule", "failures"), [("fail", 1), ("skip", 0)])
def test_a_job_may_say_that_a_lost_attempt_is_the_end(engine: Engine, rule: str, failures: int) -> None:
    engine.define("b/x", on_lost=rule)
    reserved = engine.running()
    engine.runs.lost("w1")
    assert engine.state(reserved.run_id) == "finished"
    assert engine.last("b/x")[0]["state"] == "lost"
    assert engine.client.xlen(engine.store.key("failures")) == failures


def test_a_worker_that_was_cut_off_takes_up_again_what_nobody_has(engine: Engine) -> None:
    reserved = engine.running()
    engine.runs.lost("w1")
    hello = engine.runs.hello(
        "w1",
        host="here",
        pid=1,
        queues=["common"],
        slots=1,
        lease_ms=LEASE,
        version="1",
        holding=[(reserved.run_id, reserved.token)],
    )
    assert hello.drop == []
    assert engine.state(reserved.run_id) == "running"
    assert engine.finish(reserved) == "FINISHED"
    assert "lost" not in engine.last("b/x")[0]


def test_what_another_has_taken_meanwhile_is_dropped(engine: Engine) -> None:
    reserved = engine.running()
    engine.runs.lost("w1")
    engine.worker("w2")
    engine.reserve_one("w2")
    hello = engine.runs.hello(
        "w1",
        host="here",
        pid=1,
        queues=["common"],
        slots=1,
        lease_ms=LEASE,
        version="1",
        holding=[(reserved.run_id, reserved.token)],
    )
    assert hello.drop == [reserved.run_id]


def test_a_worker_that_died_after_it_was_woken_leaves_its_token_to_the_next(engine: Engine) -> None:
    engine.fired("b/x", T0)
    engine.client.delete(engine.store.key("wake", "common"))
    engine.runs.lost("w1")
    assert engine.client.llen(engine.store.key("wake", "common")) == 1
