"""Dependents: decided by the script that ends the parent, for the parent's nominal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import MINUTE, Engine

from jobboard.store.views import fsck

if TYPE_CHECKING:
    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store

T0 = 1_600_000_000_000
AT = "2020-09-13T12:26:40Z"


@pytest.fixture
def engine(store: Store) -> Engine:
    built = Engine(store)
    built.worker()
    built.define("b/a", schedule={"every": MINUTE})
    built.define("b/b", after=["b/a"])
    built.define("b/c", after=["b/b"])
    return built


def _end(engine: Engine, verdict: Word = "ok", **more: Any) -> str:
    """Run what is queued to its end; its run id."""
    reserved = engine.reserve_one()
    engine.finish(reserved, verdict, **more)
    return reserved.run_id


def _reasons(engine: Engine, address: str) -> list[tuple[str, str]]:
    return [(record["state"], record.get("reason", "")) for record in engine.last(address)]


def test_success_runs_the_chain_for_one_nominal(engine: Engine) -> None:
    engine.fired("b/a", T0)
    assert [_end(engine) for _ in range(3)] == [f"b/{job}@{AT}" for job in "abc"]
    assert {engine.last(f"b/{job}")[0]["nominal"] for job in "abc"} == {T0}
    assert [engine.last(f"b/{job}")[0]["trigger"] for job in "abc"] == ["schedule", "after", "after"]


def test_a_failed_parent_skips_the_chain_and_says_so(engine: Engine) -> None:
    engine.fired("b/a", T0)
    _end(engine, "failed", reason="exit 1")
    assert _reasons(engine, "b/b") == [("skipped", "after: b/a failed")]
    assert _reasons(engine, "b/c") == [("skipped", "after: b/b skipped")]
    assert engine.reserve() == []


def test_a_retry_decides_nothing_yet(engine: Engine) -> None:
    engine.fired("b/a", T0)
    _end(engine, "retry", delay_ms=0)
    assert engine.last("b/b") == []
    _end(engine)
    assert engine.reserve_one().address == "b/b"


@pytest.mark.parametrize("scope", ["overlap", "hold"])
def test_a_parent_that_is_passed_over_passes_over_its_dependents(engine: Engine, scope: str) -> None:
    if scope == "overlap":
        engine.fired("b/a", T0)
    else:
        engine.hold("job:b/a", 0)
    engine.fire("b/a", T0 + MINUTE)
    word = "skipped" if scope == "overlap" else "held"
    assert _reasons(engine, "b/b") == [("skipped", f"after: b/a {word}")]


def test_a_run_by_hand_triggers_nothing(engine: Engine) -> None:
    engine.runs.start_run("b/a", by="ana")
    _end(engine)
    assert engine.reserve() == []
    assert engine.last("b/b") == []


def test_a_dependent_that_is_held_is_held(engine: Engine) -> None:
    engine.hold("job:b/b", 0)
    engine.fired("b/a", T0)
    _end(engine)
    assert _reasons(engine, "b/b") == [("held", "paused by ana: holiday")]
    assert _reasons(engine, "b/c") == [("skipped", "after: b/b skipped")]


def test_a_dependent_still_unfinished_is_skipped(engine: Engine) -> None:
    engine.fired("b/a", T0)
    _end(engine)
    engine.fired("b/a", T0 + MINUTE)
    reserved = {r.address: r for r in engine.reserve()}
    engine.finish(reserved["b/a"])
    assert _reasons(engine, "b/b") == [("skipped", f"overlap: b/b@{AT} has not finished")]


def test_a_disabled_dependent_is_left_alone(engine: Engine) -> None:
    engine.define("b/b", after=["b/a"], enabled=False)
    engine.fired("b/a", T0)
    _end(engine)
    assert engine.reserve() == []
    assert engine.last("b/b") == []


def test_an_edge_the_child_no_longer_has_is_no_edge(engine: Engine) -> None:
    engine.define("b/b")
    engine.fired("b/a", T0)
    _end(engine)
    assert engine.reserve() == []


def test_a_lost_parent_for_good_skips_its_dependents(engine: Engine) -> None:
    engine.define("b/a", schedule={"every": MINUTE}, on_lost="fail")
    engine.fired("b/a", T0)
    engine.reserve_one()
    engine.runs.lost("w1")
    assert _reasons(engine, "b/b") == [("skipped", "after: b/a lost")]


def test_a_wide_fan_out_goes_on_in_pages(engine: Engine) -> None:
    for i in range(1_000):
        engine.define(f"fan/j{i}", after=["b/a"])
    engine.fired("b/a", T0)
    _end(engine)
    assert engine.client.llen(engine.store.key("fanout")) == 1
    pages = 0
    while engine.client.exists(engine.store.key("fanout")):
        engine.runs.tick("s1")
        pages += 1
    assert pages == 32
    queued = engine.client.zcard(engine.store.key("queue", "common"))
    assert queued == 1_001
    assert fsck.check(engine.store) == []


def test_dependents_by_the_thousand_are_listed_in_pages_too(engine: Engine) -> None:
    wide = engine.store.key("after", "b/a")
    engine.client.sadd(wide, *(f"gone/j{i}" for i in range(5_000)))
    for i in range(40):
        engine.define(f"fan/j{i}", after=["b/a"])
    engine.fired("b/a", T0)
    _end(engine)
    calls = copied = 0
    while engine.client.exists(engine.store.key("fanout")):
        before = _listed(engine)
        engine.runs.tick("s1")
        calls += 1
        copied = max(copied, _listed(engine) - before)
    assert 500 < copied < 4_000
    assert calls > 5_000 // 32
    assert engine.client.zcard(engine.store.key("queue", "common")) == 41
    assert all(engine.state(f"fan/j{i}@{AT}") == "queued" for i in range(40))


def _listed(engine: Engine) -> int:
    return sum(engine.client.scard(key) for key in engine.client.keys(engine.store.key("fanout", "*")))


def test_a_wide_fan_out_of_a_failure_skips_all(engine: Engine) -> None:
    for i in range(300):
        engine.define(f"fan/j{i}", after=["b/b"])
    engine.fired("b/a", T0)
    _end(engine, "failed")
    while engine.client.exists(engine.store.key("fanout")):
        engine.runs.tick("s1")
    assert all(_reasons(engine, f"fan/j{i}") == [("skipped", "after: b/b skipped")] for i in range(300))


def test_a_circle_closed_by_live_edits_ends(engine: Engine) -> None:
    engine.define("b/b", after=["b/a", "b/c"])
    engine.fired("b/a", T0)
    _end(engine, "failed")
    for _ in range(20):
        engine.runs.tick("s1")
    assert not engine.client.exists(engine.store.key("fanout"))
    assert sum(record["count"] for record in engine.last("b/b")) <= 100
