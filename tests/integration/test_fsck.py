"""Every invariant broken on purpose: found, mended, and gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from kit.engine import LEASE, MINUTE, NEVER, Engine
from kit.made import remake

from jobboard.store.calls import scripts
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

T0 = 1_600_000_000_000


@pytest.fixture
def engine(store: Store) -> Engine:
    """A namespace with something in every place, all in order."""
    built = Engine(store)
    built.worker()
    built.define("b/due", schedule={"every": MINUTE})
    built.client.zadd(store.key("sched"), {"b/due": NEVER})
    built.define("b/child", after=["b/due"])
    for name in ("delayed", "running", "waiting", "queued"):
        built.define(f"b/{name}", locks={"db": 1} if name in ("running", "waiting") else {})
        built.runs.start_run(f"b/{name}", by="ana")
        if name == "delayed":
            built.finish(built.reserve_one(), "retry", delay_ms=LEASE)
        elif name != "queued":
            built.reserve()
    assert fsck.check(store) == []
    return built


def _id(engine: Engine, name: str) -> str:
    (run_id,) = engine.members("live", f"b/{name}")
    return run_id


def _zrem(*key: str) -> Callable[[Engine], object]:
    return lambda engine: engine.client.delete(engine.store.key(*key))


def _field(name: str, field: str, value: str) -> Callable[[Engine], object]:
    return lambda e: e.client.hset(e.store.key("run", _id(e, name)), field, value)


def _ghost(*key: str) -> Callable[[Engine], object]:
    return lambda e: e.client.zadd(e.store.key(*key), {"b/ghost@x": 5})


def _ghost_in_set(*key: str) -> Callable[[Engine], object]:
    return lambda e: e.client.sadd(e.store.key(*key), "b/ghost@x")


def _lost_member(name: str, *key: str) -> Callable[[Engine], object]:
    return lambda e: e.client.zrem(e.store.key(*key), _id(e, name))


def _free_the_lock(engine: Engine) -> None:
    remake(engine.store, _id(engine, "running"), launch={})
    engine.client.delete(engine.store.key("lock", "db"))


BREAKS: dict[str, tuple[Callable[[Engine], object], str]] = {
    "due and no job": (
        lambda e: e.client.zadd(e.store.key("sched"), {"b/none": NEVER}),
        "b/none is due and is no job",
    ),
    "due and disabled": (
        lambda e: e.define("b/due", schedule={"every": MINUTE}, enabled=False),
        "b/due is due and is disabled",
    ),
    "not due": (
        lambda e: e.client.zrem(e.store.key("sched"), "b/due"),
        "b/due has a schedule and is not due",
    ),
    "half claimed": (
        lambda e: e.client.zadd(e.store.key("claims"), {"b/child": NEVER}),
        "b/child is half claimed",
    ),
    "claim without lease": (
        lambda e: e.client.hset(e.store.key("claim"), "b/child", b"\x80"),
        "b/child is half claimed",
    ),
    "drift of no job": (
        lambda e: e.client.hset(e.store.key("drift"), "b", b"\x91\xa4none"),
        "b/none is drift of its board, and is no job nor was one",
    ),
    "cursor of no job": (
        lambda e: e.client.hset(e.store.key("cursor"), "b/none", 5),
        "b/none has a cursor and is no job",
    ),
    "deaf child": (
        lambda e: e.client.srem(e.store.key("after", "b/due"), "b/child"),
        "b/child would not hear of b/due",
    ),
    "edge of no child": (
        lambda e: e.client.sadd(e.store.key("after", "b/due"), "b/queued"),
        "b/queued hears of b/due, which it does not run after",
    ),
    "ghost in a queue": (_ghost("queue", "common"), "b/ghost@x is in queue common and is no run"),
    "ghost among the delayed": (_ghost("delay"), "b/ghost@x is among the delayed and is no run"),
    "ghost at a lock": (_ghost("lockwait", "db"), "b/ghost@x is waiting for lock db and is no run"),
    "ghost alive": (
        _ghost_in_set("live", "b/queued"),
        "b/ghost@x is among the live runs of b/queued and is no run",
    ),
    "ghost held": (_ghost_in_set("holding", "w1"), "b/ghost@x is held by worker w1 and is no run"),
    "ghost holding a lock": (_ghost_in_set("lock", "x"), "b/ghost@x is holding lock x and is no run"),
    "queued nowhere": (
        _lost_member("queued", "queue", "common"),
        "is queued and not kept where such runs are",
    ),
    "delayed nowhere": (_lost_member("delayed", "delay"), "is delayed and not kept where such runs are"),
    "waiting nowhere": (
        _lost_member("waiting", "lockwait", "db"),
        "is waiting and not kept where such runs are",
    ),
    "held by nobody": (_zrem("holding", "w1"), "is running and not kept where such runs are"),
    "in two places": (_field("queued", "state", "delayed"), "is delayed and not kept where such runs are"),
    "not alive": (_zrem("live", "b/queued"), "is not among the live runs of its job"),
    "without its lock": (_zrem("lock", "db"), "runs without its lock db"),
    "worker unknown": (
        lambda e: e.client.zrem(e.store.key("workers"), "w1"),
        "runs on a worker nobody knows",
    ),
    "waits for nothing": (_free_the_lock, "waits for lock db, which is free"),
    "output for ever": (
        lambda e: e.client.xadd(e.store.key("out", "b/none@x"), {"d": b"x"}),
        "b/none@x has output that nothing would ever drop",
    ),
    "version of no board": (
        lambda e: e.client.hset(e.store.key("defs", "99"), "j", b"x"),
        "99 is a version no board is at",
    ),
}


@pytest.mark.parametrize("script", fsck.SCRIPTS)
def test_a_script_looks_at_the_families_it_is_asked_about(script: str) -> None:
    looks = re.findall(r"^function look\.(\w+)", scripts.source_of(script), re.MULTILINE)
    assert sorted(looks) == sorted(fsck.SCRIPTS[script])


def test_no_family_is_looked_at_by_two_scripts() -> None:
    families = [family for families in fsck.SCRIPTS.values() for family in families]
    assert sorted(families) == sorted(set(families))


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_found_and_mended(engine: Engine, name: str) -> None:
    break_it, words = BREAKS[name]
    break_it(engine)
    assert any(words in str(problem) for problem in fsck.check(engine.store)), fsck.check(engine.store)
    assert any(words in str(problem) for problem in fsck.repair(engine.store))
    fsck.repair(engine.store)
    assert fsck.check(engine.store) == []


def test_checking_changes_nothing(engine: Engine) -> None:
    engine.client.zadd(engine.store.key("sched"), {"b/none": NEVER})
    assert fsck.check(engine.store) == fsck.check(engine.store) != []


def test_a_run_that_was_lost_from_everywhere_runs_after_a_repair(engine: Engine) -> None:
    run_id = _id(engine, "queued")
    engine.client.zrem(engine.store.key("queue", "common"), run_id)
    fsck.repair(engine.store)
    assert run_id in {r.run_id for r in engine.reserve()}


def test_a_stage_its_sync_left_is_cleared(engine: Engine, clock: StoreClock) -> None:
    _, stage, *_ = engine.store.call("begin")
    engine.client.hset(engine.store.key("defs", "77"), "j", b"x")
    engine.client.sadd(engine.store.key("staged", str(stage)), "77")
    assert fsck.check(engine.store) == []
    clock.advance(11 * MINUTE)
    assert [p.words for p in fsck.check(engine.store)] == ["is a stage its sync has left"]
    fsck.repair(engine.store)
    assert fsck.check(engine.store) == []
    assert not engine.client.exists(engine.store.key("defs", "77"))


def test_what_a_sync_has_still_to_drain_is_no_problem(engine: Engine) -> None:
    engine.client.zrem(engine.store.key("sched"), "b/due")
    engine.client.hset(engine.store.key("work", "9"), "b/due", b"\x81\xa3due\x05")
    engine.client.rpush(engine.store.key("work"), "9")
    assert fsck.check(engine.store) == []


def test_it_goes_in_pages(engine: Engine) -> None:
    many = 3 * fsck.PAGE + 7
    engine.client.zadd(engine.store.key("sched"), {f"b/none{i}": NEVER for i in range(many)})
    assert len(fsck.repair(engine.store)) == many
    assert fsck.check(engine.store) == []
