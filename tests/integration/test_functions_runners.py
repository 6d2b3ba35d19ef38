"""Runners in any language: what they get from the functions, and what they report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit import work
from kit.engine import Engine
from kit.functions import Call, caller

from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store


@pytest.fixture
def call(store: Store) -> Call:
    """Calls a function of the namespace."""
    return caller(store)


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    return Engine(store)


def test_a_runner_pops_and_acks(engine: Engine, call: Call) -> None:
    run_id = call("push", queue="common", run="true", payload="x")["run"]
    (run,) = call("pop", worker="node-1", lease="1m")["runs"]
    assert (run["run"], run["payload"], run["spec"]["command"]) == (run_id, "x", {"run": "true"})
    assert call("count") == {
        "scheduled": 0,
        "workers": 1,
        "running": 1,
        "delayed": 0,
        "blocked": 0,
        "queued": {"common": 0},
    }
    told_of = {"worker": "node-1", "run": run_id, "token": run["token"]}
    assert call("progress", **told_of, percent=40, text="half") == {"outcome": "ok", "cancel": False}
    assert call("get", run=run_id)["percent"] == 40
    assert call("pop", worker="node-1") == {"runs": [], "cancel": []}
    assert call("ack", **told_of, exit=3, output="no\n") == {"outcome": "finished"}
    record = work.record(engine.store, run_id)
    assert (record["state"], record["exit"], record["reason"], record["worker"]) == (
        "failed",
        3,
        "exit 3",
        "node-1",
    )
    assert work.output(engine.store, run_id) == b"no\n"
    assert call("ack", **told_of, exit=0) == {"outcome": "already"}
    assert fsck.check(engine.store) == []


def test_a_runner_that_holds_very_many_keeps_them(engine: Engine, call: Call) -> None:
    many = 700
    for _ in range(many):
        call("push", queue="common", run="true")
    held = [run["run"] for _ in range(7) for run in call("pop", worker="node-1", limit=100)["runs"]]
    assert len(set(held)) == many
    assert call("pop", worker="node-1") == {"runs": [], "cancel": []}
    assert len(engine.members("holding", "node-1")) == many
    for _ in range(7):
        call("pop", worker="node-1", holding=held[:-150], limit=0)
    assert engine.members("holding", "node-1") == set(held[:-150])
    assert engine.members("queue", "common") == set(held[-150:])
    assert fsck.check(engine.store) == []


def test_a_runner_decides_about_tries(engine: Engine, call: Call) -> None:
    run_id = call("push", queue="common", run="true")["run"]
    (run,) = call("pop", worker="node-1")["runs"]
    assert call("ack", worker="node-1", run=run_id, token=run["token"], state="retry") == {
        "outcome": "retried"
    }
    (again,) = call("pop", worker="node-1")["runs"]
    assert (again["attempt"], again["token"] > run["token"]) == (2, True)
    state = call("ack", worker="node-1", run=run_id, token=again["token"], state="defer", delay="1m")
    assert state == {"outcome": "deferred"}
    assert call("ack", worker="node-1", run=run_id, token=run["token"], exit=0) == {"outcome": "already"}
    assert fsck.check(engine.store) == []


def test_a_runner_whose_lease_ended_has_lost_its_runs(engine: Engine, call: Call, clock: StoreClock) -> None:
    run_id = call("push", queue="common", run="true")["run"]
    (run,) = call("pop", worker="node-1", lease="10s")["runs"]
    clock.advance(9_000)
    call("progress", worker="node-1", run=run_id, token=run["token"])
    clock.advance(9_000)
    engine.runs.tick("s1")
    assert call("get", run=run_id)["state"] == "running"
    for _ in range(12):
        clock.advance(1_000)
        engine.runs.tick("s1")
    assert call("progress", worker="node-1", run=run_id, token=run["token"])["outcome"] == "fenced"
    assert call("ack", worker="node-1", run=run_id, token=run["token"], exit=0)["outcome"] == "fenced"
    (again,) = call("pop", worker="node-2")["runs"]
    assert (again["run"], again["lost"]) == (run_id, 1)


def test_a_lost_reply_is_asked_for_again(engine: Engine, call: Call) -> None:
    for _ in range(2):
        call("push", queue="common", run="true")
    first = call("pop", worker="node-1", request="a")["runs"]
    assert call("pop", worker="node-1", request="a")["runs"] == first
    assert len(call("pop", worker="node-1", request="b", holding=[first[0]["run"]])["runs"]) == 1
    # The second was in a reply that got lost: what is not held goes back, and comes first.
    assert len(call("pop", worker="node-1", request="c", holding=[first[0]["run"]])["runs"]) == 1
    assert fsck.check(engine.store) == []


def test_a_cancelled_run_is_named_to_its_runner(engine: Engine, call: Call) -> None:
    run_id = call("push", queue="common", run="true")["run"]
    (run,) = call("pop", worker="node-1")["runs"]
    assert call("del", run=run_id) == {"outcome": "stopping"}
    assert call("pop", worker="node-1", limit=0) == {"runs": [], "cancel": [run_id]}
    told_of = {"worker": "node-1", "run": run_id, "token": run["token"]}
    assert call("progress", **told_of)["cancel"] is True
    call("ack", **told_of, state="cancelled")
    assert work.record(engine.store, run_id)["state"] == "cancelled"
    waiting = call("push", queue="common", run="true")["run"]
    assert call("del", run=waiting) == {"outcome": "cancelled"}
    assert call("del", run=waiting) == {"outcome": "already"}
    assert call("del", run="push/common@none") == {"outcome": "unknown"}
