"""However much there is to do at once, one call does a bite of it, and who called comes again at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import LEASE, MINUTE, NEVER, T0, Engine

from jobboard.core.runs.run import Firing
from jobboard.core.times.instant import format_instant
from jobboard.store.boards import staging
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    clock.set(T0)
    return Engine.at_work(store, "b/x")


def _ticks(engine: Engine, *place: str) -> int:
    """How many calls in a row it takes to empty a place; each but the last says to come at once."""
    calls = 0
    while engine.client.exists(engine.store.key(*place)):
        tick = engine.runs.tick("s1")
        calls += 1
        assert not engine.client.exists(engine.store.key(*place)) or tick.next_at_ms == int(tick.now_ms)
    return calls


def _manual(engine: Engine, count: int) -> list[str]:
    return [engine.runs.start_run("b/x", by="ana") for _ in range(count)]


def test_jobs_due_at_once_are_fired_in_calls_of_32_things(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"b/j{n}" for n in range(50)]
    for name in names:
        engine.define(name, schedule={"every": MINUTE})
    engine.client.zadd(engine.store.key("sched"), dict.fromkeys(names, T0))
    sizes: list[int] = []
    prepared = engine.store.prepared

    def counted(script: str, /, **arguments: Any) -> Any:
        sizes.append(len(arguments["decisions"]))
        return prepared(script, **arguments)

    entries = engine.runs.claim("s1").entries
    missed = (1, T0 - MINUTE, T0 - MINUTE, "no scheduler looked in time")
    firings = [
        Firing(e.address, engine.epochs[e.address], T0, NEVER, T0, format_instant(T0), T0, missed)
        for e in entries
    ]
    monkeypatch.setattr(engine.store, "prepared", counted)
    tags = [tag for tag, _ in engine.runs.fire("s1", firings)]
    assert tags == ["FIRED"] * 50
    assert sizes == [16, 16, 16, 2]


def test_runs_that_expire_at_once_end_in_bites(engine: Engine) -> None:
    ids = _manual(engine, 70)
    for run_id in ids:
        engine.client.hset(engine.store.key("run", run_id), "expires", T0)
    engine.client.zadd(engine.store.key("expiry"), dict.fromkeys(ids, T0))
    assert _ticks(engine, "expiry") == 3
    assert engine.members("live", "b/x") == set()
    assert fsck.check(engine.store) == []


def test_runs_whose_instant_has_come_are_queued_in_bites(engine: Engine, clock: StoreClock) -> None:
    _manual(engine, 70)
    for reserved in engine.reserve(limit=70):
        engine.finish(reserved, "retry", delay_ms=MINUTE)
    clock.advance(MINUTE)
    assert _ticks(engine, "delay") == 3
    assert len(engine.members("queue", "common")) == 70
    assert fsck.check(engine.store) == []


def test_what_silent_workers_held_goes_back_in_bites(engine: Engine, clock: StoreClock) -> None:
    _manual(engine, 70)
    for name in ("w2", "w3"):
        engine.worker(name)
        engine.reserve(name, limit=35)
    engine.runs.bye("w1")
    for _ in range(LEASE // 1000):
        engine.runs.tick("s1")
        clock.advance(1000)
    assert _ticks(engine, "workers") == 3
    assert len(engine.members("queue", "common")) == 70
    assert fsck.check(engine.store) == []


def test_a_barrier_of_no_run_goes(engine: Engine) -> None:
    engine.client.zadd(engine.store.key("barriers"), {"b/ghost@x": 1})
    engine.runs.tick("s1")
    assert engine.members("barriers") == set()


@pytest.fixture
def awaited(engine: Engine) -> tuple[Reserved, list[str]]:
    """A run that runs, and seventy that wait for it."""
    parent = engine.runs.start_run("b/x", by="ana")
    reserved = engine.reserve_one()
    waiting = _manual(engine, 70)
    for run_id in waiting:
        engine.store.call("depend", run=run_id, add=[parent], remove=[])
    return reserved, waiting


@pytest.mark.parametrize(("verdict", "left"), [("ok", 70), ("failed", 0)])
def test_many_that_wait_for_one_run_hear_of_its_end_in_bites(
    engine: Engine, awaited: tuple[Reserved, list[str]], verdict: Word, left: int
) -> None:
    engine.finish(awaited[0], verdict)
    assert len(engine.members("blocked")) == 70
    assert fsck.check(engine.store) == []
    assert _ticks(engine, "fanout") == 3
    _ticks(engine, "delay")
    assert len(engine.members("queue", "common")) == len(engine.members("live", "b/x")) == left
    assert fsck.check(engine.store) == []


def test_one_that_waits_for_another_meanwhile_does_not_hear_of_it(
    engine: Engine, awaited: tuple[Reserved, list[str]]
) -> None:
    reserved, (first, second, *_) = awaited
    other = engine.runs.start_run("b/x", by="ana")
    engine.finish(reserved, "failed")
    engine.store.call("depend", run=first, add=[other], remove=[])
    engine.store.call("depend", run=first, add=[], remove=[reserved.run_id])
    engine.store.call("depend", run=second, add=[], remove=[reserved.run_id])
    while engine.client.exists(engine.store.key("fanout")) or engine.members("delay"):
        engine.runs.tick("s1")
    assert engine.members("live", "b/x") == {first, second, other}
    assert (engine.state(first), engine.state(second)) == ("blocked", "queued")
    assert fsck.check(engine.store) == []


def _held(engine: Engine, count: int) -> list[Reserved]:
    """So many runs of one worker."""
    _manual(engine, count)
    return [run for start in range(0, count, 100) for run in engine.reserve(limit=min(100, count - start))]


def _hello(engine: Engine, held: list[Reserved]) -> tuple[list[str], int]:
    """A worker reconnects and says what it holds: what it is to drop, and how many calls that took."""
    before = _calls(engine)
    holding = [(run.run_id, run.token) for run in held]
    hello = engine.runs.hello(
        "w1", host="h", pid=1, queues=["common"], slots=8, lease_ms=LEASE, version="1", holding=holding
    )
    return hello.drop, _calls(engine) - before


def _calls(engine: Engine) -> int:
    told: Any = engine.client.info("commandstats")
    return sum(told.get(name, {"calls": 0})["calls"] for name in ("cmdstat_evalsha", "cmdstat_eval"))


def test_a_worker_that_comes_back_with_very_many_runs_keeps_them(engine: Engine) -> None:
    held = _held(engine, 250)
    assert _hello(engine, held) == ([], 3)
    assert len(engine.members("holding", "w1")) == 250
    assert fsck.check(engine.store) == []


def test_of_very_many_runs_each_is_judged(engine: Engine, clock: StoreClock) -> None:
    """What it says and is another's by now, what it says and nobody has, what it has and does not say."""
    held = _held(engine, 600)
    engine.runs.give_back("w1", [(run.run_id, run.token) for run in held[:150]])
    engine.worker("w2")
    gone = {run.run_id for run in engine.reserve("w2", limit=100) + engine.reserve("w2", limit=50)}
    assert gone == {run.run_id for run in held[:150]}
    drop, calls = _hello(engine, held[:350])
    assert (set(drop), len(drop)) == (gone, 150)
    assert calls == 4 + 2
    assert engine.members("holding", "w1") == {run.run_id for run in held[150:350]}
    assert engine.members("queue", "common") == {run.run_id for run in held[350:]}
    assert fsck.check(engine.store) == []


def test_of_very_many_runs_a_worker_is_told_of_each_that_it_is_to_stop(engine: Engine) -> None:
    held = {run.run_id for run in _held(engine, 1_200)}
    for run_id in held:
        engine.client.hset(engine.store.key("run", run_id), "cancel", "ana")
    told: set[str] = set()
    beats = 0
    while told != held:
        now = engine.runs.beat("w1", LEASE).cancel
        assert len(now) < 1_100
        told.update(now)
        beats += 1
        assert beats < 10


def test_a_run_that_replaces_others_makes_away_with_a_hundred(engine: Engine) -> None:
    engine.define("b/x", schedule={"every": MINUTE}, overlap="replace")
    _manual(engine, 150)
    engine.fired("b/x", T0)
    assert len(engine.members("live", "b/x")) == 51
    engine.fired("b/x", T0 + MINUTE)
    assert len(engine.members("live", "b/x")) == 1
    assert fsck.check(engine.store) == []


def test_what_a_sync_left_of_very_many_boards_is_thrown_away(engine: Engine, clock: StoreClock) -> None:
    stage = staging.begin(engine.store)
    for n in range(450):
        staging.stage_version(engine.store, stage, f"{stage.id}-{n}", source=None, put={}, drop=())
        engine.client.hset(engine.store.key("defs", f"{stage.id}-{n}"), "j", b"x")
    clock.advance(11 * MINUTE)
    assert engine.store.call("collect")[1:3] == [200, 1]
    staging.collect(engine.store)
    assert engine.members("retired") == engine.members("stages") == set()
    assert not engine.client.exists(*(engine.store.key("defs", f"{stage.id}-{n}") for n in range(450)))
    assert fsck.check(engine.store) == []
