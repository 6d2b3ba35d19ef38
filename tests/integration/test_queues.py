"""Limits of queues: how many at once, how many in a span, in which order, and paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.engine import MINUTE, Engine

from jobboard.core.runs.run import Result
from jobboard.store.boards import holds
from jobboard.store.calls import clocks
from jobboard.store.runs import queues
from jobboard.store.views import fsck, reasons

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

BY = {"actor": "ana"}


@pytest.fixture
def engine(store: Store) -> Engine:
    built = Engine(store)
    built.worker("w1", "common", "slow")
    built.worker("w2", "common", "slow")
    return built


def fill(engine: Engine, count: int, queue: str = "common", **spec: object) -> list[str]:
    """That many runs of that many jobs, in a queue."""
    made = []
    for i in range(count):
        engine.define(f"b/{queue}{i}", queue=queue, **spec)
        made.append(engine.runs.start_run(f"b/{queue}{i}", by="ana"))
    return made


def woken(engine: Engine, queue: str = "common") -> bool:
    """Whether somebody was called to the queue since it was last asked."""
    return engine.client.delete(engine.store.key("wake", queue)) == 1


def test_no_more_than_the_limit_run_whoever_asks(engine: Engine) -> None:
    queues.limit(engine.store, "common", limit=2, by=BY)
    fill(engine, 4)
    (first, _) = engine.reserve("w1", limit=3)
    woken(engine)
    assert engine.reserve("w2") == []
    assert not woken(engine), "nobody is called to a queue that lets nothing go"
    engine.finish(first)
    assert woken(engine)
    assert len(engine.reserve("w2")) == 1
    assert fsck.check(engine.store) == []


def test_a_limit_counts_what_runs_when_it_is_set(engine: Engine) -> None:
    fill(engine, 4)
    (first, _) = engine.reserve("w1", limit=2)
    queues.limit(engine.store, "common", limit=2, by=BY)
    assert engine.reserve("w2") == []
    engine.finish(first)
    assert len(engine.reserve("w2")) == 1


@pytest.fixture
def crowd(engine: Engine) -> list[Reserved]:
    """Four workers that run more of the queue than one call counts, and some of another."""
    engine.define("b/one")
    engine.define("b/other", queue="slow")
    for n in range(480):
        engine.runs.start_run("b/other" if n % 8 == 7 else "b/one", by="ana")
    for name in ("w1", "w2", "w3", "w4"):
        engine.worker(name, "common", "slow")
    return [
        run for name in ("w1", "w2", "w3", "w4") for run in engine.reserve(name, "common", "slow", limit=120)
    ]


def limited(engine: Engine, limit: int | None) -> bool:
    """Set a limit in one call, as a command would that died before the next; whether all are counted."""
    return bool(
        engine.store.call(
            "limit", queue="common", limit=limit or False, rate=False, span_ms=False, aging_ms=False, by=BY
        )[1]
    )


def test_of_very_many_that_run_all_count(engine: Engine, crowd: list[Reserved]) -> None:
    queues.limit(engine.store, "common", limit=419, by=BY)
    assert len(engine.members("active", "common")) == 420
    fill(engine, 2)
    assert engine.reserve("w1") == []
    mine = [run for run in crowd[:120] if run.address == "b/one"]
    engine.finish(mine[0])
    assert engine.reserve("w1") == []
    engine.finish(mine[1])
    assert len(engine.reserve("w1")) == 1
    assert fsck.check(engine.store) == []


def test_until_all_are_counted_nothing_is_let_go_and_who_looks_counts_on(
    engine: Engine, crowd: list[Reserved]
) -> None:
    fill(engine, 2)
    assert not limited(engine, 421)
    assert 0 < len(engine.members("active", "common")) < 420
    assert fsck.check(engine.store) == []
    mine = [run for run in crowd[:120] if run.address == "b/one"]
    engine.finish(mine[0])
    woken(engine)
    got: list[Reserved] = []
    calls = 0
    while not got:
        got = engine.reserve("w2")
        calls += 1
        assert got or calls < 10
        assert woken(engine) or got
    assert len(got) == 2
    assert len(engine.members("active", "common")) == 421
    assert fsck.check(engine.store) == []


def test_another_limit_meanwhile_counts_on_and_none_forgets(engine: Engine, crowd: list[Reserved]) -> None:
    assert len(crowd) == 480
    assert not limited(engine, 5)
    assert limited(engine, 9)
    assert len(engine.members("active", "common")) == 420
    assert limited(engine, 7), "what is counted is not counted again"
    assert limited(engine, None)
    assert not engine.client.exists(engine.store.key("active", "common"))
    assert fsck.check(engine.store) == []


@pytest.mark.parametrize("how", ["retry", "give back", "lost", "cancelled"])
def test_whatever_ends_an_attempt_makes_room(engine: Engine, how: str) -> None:
    queues.limit(engine.store, "common", limit=1, by=BY)
    fill(engine, 2)
    held = engine.reserve_one("w1")
    if how == "give back":
        engine.runs.give_back("w1", [(held.run_id, held.token)])
    elif how == "lost":
        engine.runs.lost("w1")
    else:
        engine.finish(held, "retry" if how == "retry" else "cancelled", delay_ms=MINUTE)
    assert engine.members("active", "common") == set()
    assert len(engine.reserve("w2")) == 1
    assert fsck.check(engine.store) == []


def test_a_lifted_limit_limits_nothing(engine: Engine) -> None:
    queues.limit(engine.store, "common", limit=1, by=BY)
    fill(engine, 3)
    engine.reserve("w1")
    queues.limit(engine.store, "common", by=BY)
    assert len(engine.reserve("w2")) == 2
    assert fsck.check(engine.store) == []


def test_fsck_mends_what_counts_against_a_limit(engine: Engine) -> None:
    queues.limit(engine.store, "common", limit=1, by=BY)
    fill(engine, 1)
    held = engine.reserve_one("w1")
    active = engine.store.key("active", "common")
    engine.client.srem(active, held.run_id)
    engine.client.sadd(active, "b/nothing@x")
    found = {problem.subject for problem in fsck.repair(engine.store)}
    assert found == {held.run_id, "b/nothing@x"}
    assert engine.members("active", "common") == {held.run_id}


def test_a_rate_lets_so_many_begin_in_a_span_and_the_next_when_it_is_time(
    engine: Engine, clock: StoreClock
) -> None:
    for name in ("w1", "w2"):
        engine.worker(name, lease_ms=60 * MINUTE)
    queues.limit(engine.store, "common", rate=(2, MINUTE), by=BY)
    fill(engine, 8)
    assert len(engine.reserve("w1")) == 2
    woken(engine)
    assert engine.reserve("w1") == []
    assert not woken(engine), "nobody is called to a queue that lets nothing go"
    queued = engine.runs.tick("s1")
    assert queued.next_at_ms is not None
    wait_ms = queued.next_at_ms - int(queued.now_ms)
    assert 0 < wait_ms <= MINUTE // 2
    clock.advance(wait_ms + 1)
    engine.runs.tick("s1")
    assert woken(engine)
    assert len(engine.reserve("w1")) == 1
    clock.advance(10 * MINUTE)
    assert len(engine.reserve("w1")) == 2, "what was not used is not saved up"


def test_a_rate_and_a_limit_hold_together(engine: Engine, clock: StoreClock) -> None:
    queues.limit(engine.store, "common", limit=1, rate=(5, MINUTE), by=BY)
    fill(engine, 3)
    held = engine.reserve_one("w1")
    assert engine.reserve("w2") == []
    engine.finish(held)
    assert len(engine.reserve("w2")) == 1


def test_a_paused_queue_keeps_what_it_has_and_wakes_when_it_goes_on(engine: Engine) -> None:
    run_id, *_ = fill(engine, 1)
    holds.pause(engine.store, "queue:common", by=BY, reason="disk", until_ms=None)
    woken(engine)
    assert engine.reserve("w1") == []
    assert engine.state(run_id) == "queued"
    assert not woken(engine)
    assert holds.resume(engine.store, "queue:common", by=BY) == 1
    assert woken(engine)
    assert engine.reserve_one("w1").run_id == run_id


def test_a_pause_that_ends_by_itself_wakes_whoever_serves_the_queue(
    engine: Engine, clock: StoreClock
) -> None:
    fill(engine, 1)
    now_ms = int(engine.runs.tick("s1").now_ms)
    holds.pause(engine.store, "queue:common", by=BY, reason="disk", until_ms=now_ms + MINUTE)
    assert engine.reserve("w1") == []
    assert engine.runs.tick("s1").next_at_ms is not None
    woken(engine)
    clock.advance(MINUTE + 1)
    engine.runs.tick("s1")
    assert woken(engine)


def test_other_queues_go_on_beside_a_closed_one(engine: Engine) -> None:
    fill(engine, 2)
    slow = fill(engine, 1, "slow")
    holds.pause(engine.store, "queue:common", by=BY, reason="disk", until_ms=None)
    assert [run.run_id for run in engine.reserve("w1", "common", "slow")] == slow


def test_so_many_of_each_queue_as_the_worker_has_room_for(engine: Engine) -> None:
    common, slow = fill(engine, 3), fill(engine, 3, "slow")
    runs = engine.runs.reserve("w1", ["common", "slow"], 5, rooms=[2, 1])
    assert [run.run_id for run in runs] == [*common[:2], slow[0]]
    assert [run.queue for run in runs] == ["common", "common", "slow"]
    assert woken(engine, "slow"), "another worker may have room for what is left"


def test_strict_order_empties_one_queue_after_the_other(engine: Engine) -> None:
    slow, common = fill(engine, 2, "slow", priority=9), fill(engine, 2)
    runs = engine.runs.reserve("w1", ["common", "slow"], 3, order="strict")
    assert [run.run_id for run in runs] == [*common, slow[0]]


def test_round_robin_takes_one_of_each_in_turn_over_calls(engine: Engine) -> None:
    fill(engine, 40)
    fill(engine, 2, "slow")
    served = [
        engine.runs.reserve("w1", ["common", "slow"], 1, order="round-robin")[0].queue for _ in range(5)
    ]
    assert served == ["common", "slow", "common", "slow", "common"]
    fill(engine, 3, "slow")
    mixed = engine.runs.reserve("w1", ["common", "slow"], 6, order="round-robin")
    assert [run.queue for run in mixed].count("slow") == 3


def test_what_waits_for_a_lock_does_not_count_against_a_limit(engine: Engine) -> None:
    queues.limit(engine.store, "common", limit=2, by=BY)
    fill(engine, 3, locks={"db": 1})
    first = engine.reserve_one("w1")
    assert engine.members("active", "common") == {first.run_id}
    tags, runs = engine.runs.finish_reserve("w1", [Result(first.run_id, first.token, "ok")], ["common"], 3)
    assert tags == ["FINISHED"]
    assert runs is not None
    assert len(runs) == 1


@pytest.fixture
def beside(engine: Engine) -> str:
    """A run for a runner, in the queue beside ``common``; a worker serves it."""
    engine.define("b/wasm", command={"runner": "wasm", "with": {}})
    engine.worker("w3", "common:wasm")
    return engine.runs.start_run("b/wasm", by="ana")


def test_a_pause_holds_the_queues_of_runners_beside_it(engine: Engine, beside: str) -> None:
    holds.pause(engine.store, "queue:common", by=BY, reason="disk", until_ms=None)
    assert engine.reserve("w3", "common:wasm") == []
    woken(engine, "common:wasm")
    now_ms = clocks.now_ms(engine.store)
    assert [one.paused for one in queues.survey(engine.store, now_ms) if one.queue == "common:wasm"] == [True]
    holds.resume(engine.store, "queue:common", by=BY)
    assert woken(engine, "common:wasm")
    assert engine.reserve_one("w3", "common:wasm").run_id == beside


def test_a_pause_of_such_a_queue_leaves_the_others(engine: Engine, beside: str) -> None:
    fill(engine, 1)
    holds.pause(engine.store, "queue:common:wasm", by=BY, reason=None, until_ms=None)
    assert engine.reserve("w3", "common:wasm") == []
    assert len(engine.reserve("w1")) == 1


def test_a_pause_of_both_that_ends_by_itself_wakes_whoever_serves_them(
    engine: Engine, beside: str, clock: StoreClock
) -> None:
    now_ms = int(engine.runs.tick("s1").now_ms)
    holds.pause(engine.store, "queue:common", by=BY, reason=None, until_ms=now_ms + MINUTE)
    assert engine.reserve("w3", "common:wasm") == []
    woken(engine, "common:wasm")
    clock.advance(MINUTE + 1)
    engine.runs.tick("s1")
    assert woken(engine, "common:wasm")


def why(engine: Engine, run_id: str) -> str:
    return reasons.explain(engine.store, run_id, clocks.now_ms(engine.store))[2].headline


def test_why_knows_what_keeps_a_queue_closed(engine: Engine) -> None:
    (run_id,) = fill(engine, 1, "slow")
    holds.pause(engine.store, "queue:slow", by=BY, reason="disk", until_ms=None)
    assert "queue slow is paused by ana" in why(engine, run_id)
    holds.resume(engine.store, "queue:slow", by=BY)
    fill(engine, 3)
    engine.reserve("w1", limit=2)
    waiting = "b/common2"
    queues.limit(engine.store, "common", limit=2, by=BY)
    assert "2 of it run, and no more may at once; next in line" in why(engine, waiting + "@")
    queues.limit(engine.store, "common", rate=(1, MINUTE), by=BY)
    assert why(engine, waiting + "@").endswith('queue "common": next in line.')
    engine.reserve("w1")
    (last,) = fill(engine, 1, "common", overlap="allow")
    assert "its rate is used up until" in why(engine, last)


def test_why_counts_the_slots_that_a_worker_has_for_a_queue(engine: Engine) -> None:
    for name in ("w1", "w2"):
        engine.runs.bye(name)
    engine.runs.hello(
        "w3",
        host="here",
        pid=1,
        queues=["common", "slow"],
        slots=8,
        own_slots={"slow": 1},
        lease_ms=60_000,
        version="1",
    )
    fill(engine, 1)
    first, second = fill(engine, 2, "slow")
    assert "next in line" in why(engine, first)
    engine.runs.reserve("w3", ["common", "slow"], 2, rooms=[8, 1])
    assert "its worker has no slot free for it; next in line" in why(engine, second)
