"""Runs that have not started, made to wait elsewhere, for longer, or before others; from every state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import MINUTE, Engine
from kit.made import made

from jobboard import Client, errors
from jobboard.store.runs import pushes
from jobboard.store.runs.reschedule import reschedule
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

BY = {"actor": "ana"}


@pytest.fixture
def engine(store: Store) -> Engine:
    built = Engine(store)
    built.worker("w1", "common", "fast")
    return built


def start(engine: Engine, name: str, **spec: Any) -> str:
    engine.define(f"b/{name}", **spec)
    return engine.runs.start_run(f"b/{name}", by="ana")


def in_state(engine: Engine, state: str) -> str:
    """A run in one of the states before its start."""
    start(engine, "holder", locks={"db": 1}, queue="side")
    engine.worker("w2", "side")
    engine.reserve_one("w2", "side")
    run_id = start(engine, "x", locks={"db": 1} if state == "waiting" else {})
    if state == "waiting":
        engine.reserve()
    elif state == "delayed":
        reschedule(engine.store, [run_id], by=BY, delay_ms=MINUTE)
    elif state == "blocked":
        pushes.depend(engine.store, run_id, add=[start(engine, "need", queue="side")])
    assert engine.state(run_id) == state
    return run_id


@pytest.mark.parametrize("state", ["queued", "waiting", "delayed", "blocked"])
def test_queue_and_priority_change_and_nothing_else(engine: Engine, state: str) -> None:
    run_id = in_state(engine, state)
    for _ in range(2):
        assert reschedule(engine.store, [run_id], by=BY, queue="fast", priority=7) == [("OK", state)]
    kept = made(engine.store, run_id)
    assert kept["queue"] == "fast"
    assert kept["score"] >> 40 == 1000 - 7
    assert fsck.check(engine.store) == []


@pytest.mark.parametrize("state", ["queued", "waiting", "delayed", "blocked"])
def test_it_runs_no_earlier_than_it_is_told(engine: Engine, clock: StoreClock, state: str) -> None:
    run_id = in_state(engine, state)
    reschedule(engine.store, [run_id], by=BY, delay_ms=5 * MINUTE)
    assert engine.state(run_id) == ("blocked" if state == "blocked" else "delayed")
    assert fsck.check(engine.store) == []
    clock.advance(5 * MINUTE - 1_000)
    engine.runs.beat("w1", 30 * MINUTE)
    engine.runs.tick("s1")
    assert engine.reserve() == []


def test_what_is_delayed_runs_now_when_it_is_told_to(engine: Engine) -> None:
    run_id = in_state(engine, "delayed")
    reschedule(engine.store, [run_id], by=BY, due_ms=0)
    assert engine.reserve_one().run_id == run_id


def test_a_higher_priority_goes_first_and_age_decides_among_equals(engine: Engine) -> None:
    first, second, third = (start(engine, name) for name in "abc")
    reschedule(engine.store, [third], by=BY, priority=5)
    reschedule(engine.store, [second, first], by=BY, queue="fast")
    reserved = engine.runs.reserve("w1", ["common", "fast"], 10)
    assert [run.run_id for run in reserved] == [third, first, second]


def test_what_cannot_be_is_said(engine: Engine) -> None:
    running = start(engine, "running")
    engine.reserve()
    expiring = start(engine, "expiring")
    engine.client.hset(engine.store.key("run", expiring), "expires", "5")
    tags = reschedule(engine.store, [running, expiring, "b/x@gone"], by=BY, delay_ms=10)
    assert [tag for tag, _ in tags] == ["STARTED", "EXPIRES", "UNKNOWN"]


def test_the_command_moves_one_or_all_of_a_queue(
    store: Store, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [start(engine, name) for name in "abc"]
    assert told(store, capsys, "reschedule", "a", "--delay", "2h").startswith(f"{ids[0]} is delayed.")
    assert "2 of 2 runs" in told(store, capsys, "reschedule", "--all", "--from", "common", "--queue", "fast")
    assert engine.members("queue", "fast") == set(ids[1:])
    said = asked(store, capsys, "reschedule", "a", "--now", "--queue", "fast")
    assert said["runs"] == [{"run": ids[0], "outcome": "ok", "state": "queued"}]
    engine.reserve("w1", "fast")
    assert jobboard(store, "reschedule", "a", "--now") == 5
    assert f"jobboard cancel {ids[0]} stops it" in capsys.readouterr().err


def test_a_program_does_it_too(store: Store, engine: Engine) -> None:
    run_id = start(engine, "a")
    with Client(store.url, store.namespace, actor="shop") as client:
        assert client.reschedule("a", delay="2h", priority=5) == "delayed"
        assert client.reschedule(run_id, at="2000-01-01T00:00:00Z", queue="fast") == "queued"
        engine.reserve("w1", "fast")
        with pytest.raises(errors.Refused, match="started"):
            client.reschedule(run_id, delay="2h")
        with pytest.raises(errors.UsageError):
            client.reschedule(run_id, at="soon")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a"],
        ["a", "--all", "--from", "common", "--now"],
        ["--all", "--now"],
        ["a", "--delay", "soon"],
        ["a", "--now", "--delay", "2h"],
        ["a", "--queue", "../x"],
        ["a", "--priority", "5000"],
        ["nobody", "--now"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(store: Store, engine: Engine, words: list[str]) -> None:
    start(engine, "a")
    assert jobboard(store, "reschedule", *words) == 64
