"""What happens to a nominal while runs of its job are unfinished: every rule, on the real scripts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import LEASE, MINUTE, NEVER, Engine
from kit.events import events_of

from jobboard import errors
from jobboard.core.times.instant import format_instant
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store

T0 = 1_600_000_000_000
DEEDS = ("fire", "fire", "fire", "reserve", "finish", "finish", "hand", "cancel", "edit", "tick")
VERDICTS: tuple[Word, ...] = ("ok", "failed", "retry", "lost", "drained")
RULES: list[Any] = ["skip", "queue_latest", "queue", "replace", {"allow": 1}, {"allow": 3}, "allow"]


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Iterator[Engine]:
    clock.set(T0 + 1_000 * MINUTE)
    built = Engine(store)
    built.worker()
    yield built
    assert fsck.check(store) == []


def _define(engine: Engine, overlap: Any, **more: Any) -> None:
    engine.define("b/x", schedule={"every": MINUTE}, overlap=overlap, **more)


def _fire(engine: Engine, index: int, **more: Any) -> str | None:
    """The nominal `index` minutes after T0: its run, or None where there is none."""
    tag, run_id = engine.fire("b/x", T0 + index * MINUTE, next_due=NEVER, **more)
    assert (tag == "FIRED") == (run_id is not None)
    return run_id


def _run(index: int) -> str:
    return f"b/x@{format_instant(T0 + index * MINUTE)}"


def _backlog(*indexes: int) -> tuple[tuple[int, str, int], ...]:
    nominals = [T0 + index * MINUTE for index in indexes]
    return tuple((nominal, format_instant(nominal), nominal) for nominal in nominals)


def _catch_up(engine: Engine, *indexes: int, nominal: int | None = None) -> tuple[str, str | None]:
    engine.client.zadd(engine.store.key("sched"), {"b/x": 1})
    engine.runs.claim("s1")
    return engine.decide(
        "b/x",
        None if nominal is None else T0 + nominal * MINUTE,
        cursor=T0 + max(indexes) * MINUTE,
        backlog=_backlog(*indexes),
        next_due=NEVER,
    )


def _drain(engine: Engine) -> list[str]:
    """Let everything run, one at a time as far as the job lets it: the runs in their order."""
    seen = []
    while runs := engine.reserve():
        for reserved in runs:
            engine.finish(reserved)
            seen.append(reserved.run_id)
    return seen


def test_a_queue_runs_all_one_after_another(engine: Engine) -> None:
    _define(engine, "queue")
    for index in range(4):
        assert _fire(engine, index) == _run(index)
    assert [engine.state(_run(index)) for index in range(4)] == ["queued", "blocked", "blocked", "blocked"]
    assert _drain(engine) == [_run(index) for index in range(4)]
    assert engine.client.exists(engine.store.key("line", "b/x")) == 0


def test_the_end_of_a_run_sends_the_next_on_in_the_same_step(engine: Engine) -> None:
    _define(engine, "queue")
    _fire(engine, 0)
    _fire(engine, 1)
    engine.finish(engine.reserve_one(), "failed")
    assert engine.state(_run(1)) == "queued"


def test_a_retry_keeps_its_place_before_the_line(engine: Engine, clock: StoreClock) -> None:
    _define(engine, "queue")
    _fire(engine, 0)
    _fire(engine, 1)
    engine.finish(engine.reserve_one(), "retry", delay_ms=MINUTE)
    assert (engine.state(_run(0)), engine.state(_run(1))) == ("delayed", "blocked")
    clock.advance(MINUTE)
    engine.runs.tick("s1")
    assert _drain(engine) == [_run(0), _run(1)]


def test_a_line_holds_a_hundred_and_counts_what_is_more(engine: Engine) -> None:
    _define(engine, "queue")
    for index in range(101):
        assert _fire(engine, index)
    for index in range(101, 105):
        assert _fire(engine, index) is None
    (record,) = engine.last("b/x")
    assert (record["reason"], record["count"]) == ("overlap: 100 runs are in line", 4)
    assert (record["first"], record["last"]) == (T0 + 101 * MINUTE, T0 + 104 * MINUTE)


def test_one_place_in_line_is_the_newests(engine: Engine) -> None:
    _define(engine, "queue_latest")
    for index in range(5):
        assert _fire(engine, index) == _run(index)
    (record,) = engine.last("b/x")
    assert (record["state"], record["reason"]) == ("skipped", "overlap: a newer run took its place")
    assert (record["count"], record["first"], record["last"]) == (3, T0 + MINUTE, T0 + 3 * MINUTE)
    assert _drain(engine) == [_run(0), _run(4)]


@pytest.mark.parametrize("most", [1, 3])
def test_so_many_are_allowed_and_no_more(engine: Engine, most: int) -> None:
    _define(engine, {"allow": most})
    made = [_fire(engine, index) for index in range(5)]
    assert [run is not None for run in made] == [index < most for index in range(5)]
    assert engine.last("b/x")[0]["reason"] == f"overlap: {most} runs have not finished"
    engine.finish(engine.reserve()[0])
    assert _fire(engine, 5)


def test_a_running_one_is_stopped_and_the_new_one_waits_for_its_end(engine: Engine) -> None:
    _define(engine, "replace")
    _fire(engine, 0)
    old = engine.reserve_one()
    assert _fire(engine, 1) == _run(1)
    assert (engine.state(_run(0)), engine.state(_run(1))) == ("stopping", "blocked")
    assert engine.runs.beat("w1", LEASE).cancel == [_run(0)]
    engine.finish(old, "cancelled", reason="cancelled")
    assert engine.state(_run(1)) == "queued"
    (record,) = engine.last("b/x")
    assert (record["state"], record["by"]) == ("cancelled", _run(1))


def test_what_has_not_started_is_replaced_at_once(engine: Engine) -> None:
    _define(engine, "replace")
    for index in range(3):
        _fire(engine, index)
    assert engine.members("live", "b/x") == {_run(2)}
    assert engine.state(_run(2)) == "queued"
    assert engine.last("b/x")[0]["count"] == 2


def test_a_replacement_that_waits_is_replaced_itself(engine: Engine) -> None:
    _define(engine, "replace")
    _fire(engine, 0)
    old = engine.reserve_one()
    _fire(engine, 1)
    _fire(engine, 2)
    assert engine.members("live", "b/x") == {_run(0), _run(2)}
    stops = [event for event in events_of(engine.store) if event["e"] == "stopping"]
    assert len(stops) == 1
    engine.finish(old, "ok")
    assert _drain(engine) == [_run(2)]


def test_what_was_tried_before_is_replaced_with_a_record_of_its_own(engine: Engine) -> None:
    _define(engine, "replace")
    _fire(engine, 0)
    engine.finish(engine.reserve_one(), "retry", delay_ms=MINUTE)
    _fire(engine, 1)
    (record,) = engine.last("b/x")
    assert (record["id"], record["state"], len(record["tries"])) == (_run(0), "cancelled", 1)
    assert _drain(engine) == [_run(1)]


def test_a_worker_that_dies_while_it_is_replaced_lets_the_new_one_go(engine: Engine) -> None:
    _define(engine, "replace")
    _fire(engine, 0)
    engine.reserve_one()
    _fire(engine, 1)
    engine.runs.lost("w1")
    assert engine.state(_run(1)) == "queued"


@pytest.mark.parametrize("rule", RULES)
def test_runs_by_hand_are_never_skipped_and_count(engine: Engine, rule: Any) -> None:
    _define(engine, rule)
    first = engine.runs.start_run("b/x", by="ana")
    second = engine.runs.start_run("b/x", by="ana")
    assert engine.members("queue", "common") == {first, second}
    _fire(engine, 0)
    live = engine.members("live", "b/x")
    if rule == "replace":
        assert live == {_run(0)}
    else:
        waits = {first, second, _run(0)} if rule in ("queue", "queue_latest", "allow", {"allow": 3}) else None
        assert live == (waits or {first, second})
        assert (engine.state(_run(0)) == "blocked") == (rule in ("queue", "queue_latest"))


@pytest.mark.parametrize("rule", ["skip", "queue_latest", "queue", "replace", {"allow": 1}])
def test_a_run_by_hand_respects_overlap_when_told_to(engine: Engine, rule: Any) -> None:
    _define(engine, rule)
    _fire(engine, 0)
    with pytest.raises(errors.Refused, match="overlap"):
        engine.runs.start_run("b/x", by="ana", respect_overlap=True)
    assert engine.members("live", "b/x") == {_run(0)}


def test_dependents_stand_in_line_too_and_theirs_hear_of_what_was_replaced(engine: Engine) -> None:
    engine.define("b/a", schedule={"every": MINUTE}, overlap="allow")
    engine.define("b/x", after=["b/a"], overlap="queue_latest")
    engine.define("b/z", after=["b/x"])
    for index in range(3):
        engine.fired("b/a", T0 + index * MINUTE)
        engine.finish(next(r for r in engine.reserve(limit=9) if r.address == "b/a"))
        engine.runs.give_back("w1", [])
        if index == 0:
            assert engine.state(_run(0)) == "queued"
    assert engine.members("live", "b/x") == {_run(0), _run(2)}
    assert [(r["state"], r["reason"]) for r in engine.last("b/z")] == [("skipped", "after: b/x skipped")]


def test_what_stands_in_line_can_be_called_off(engine: Engine) -> None:
    _define(engine, "queue")
    for index in range(3):
        _fire(engine, index)
    assert engine.runs.cancel(_run(1), "ana") == "CANCELLED"
    assert _drain(engine) == [_run(0), _run(2)]


def test_what_stands_in_line_can_be_made_to_wait_for_more(engine: Engine) -> None:
    _define(engine, "queue")
    engine.define("b/y", schedule={"every": MINUTE})
    _fire(engine, 0)
    _fire(engine, 1)
    other = engine.fired("b/y", T0)
    reply = engine.store.call("depend", run=_run(1), add=[other], remove=[])
    assert reply == ["OK", "blocked"]
    by_id = {reserved.run_id: reserved for reserved in engine.reserve()}
    engine.finish(by_id[_run(0)])
    assert engine.state(_run(1)) == "blocked"
    engine.finish(by_id[other])
    assert engine.state(_run(1)) == "queued"


def test_what_it_was_made_to_wait_for_ends_before_its_turn(engine: Engine) -> None:
    _define(engine, "queue")
    engine.define("b/y", schedule={"every": MINUTE})
    _fire(engine, 0)
    _fire(engine, 1)
    other = engine.fired("b/y", T0)
    engine.store.call("depend", run=_run(1), add=[other], remove=[])
    by_id = {reserved.run_id: reserved for reserved in engine.reserve()}
    engine.finish(by_id[other])
    assert engine.state(_run(1)) == "blocked"
    engine.finish(by_id[_run(0)])
    assert engine.state(_run(1)) == "queued"


@pytest.mark.parametrize("rule", RULES)
def test_what_is_caught_up_runs_one_after_another_whatever_the_rule(engine: Engine, rule: Any) -> None:
    _define(engine, rule, catchup="all")
    assert _catch_up(engine, 1, 2, 3) == ("FIRED", _run(3))
    assert [engine.state(_run(index)) for index in (1, 2, 3)] == ["queued", "blocked", "blocked"]
    assert _fire(engine, 4) == _run(4)
    assert engine.state(_run(4)) == "blocked"
    assert _drain(engine) == [_run(index) for index in (1, 2, 3, 4)]


def test_a_regular_nominal_stands_behind_what_is_caught_up_in_the_same_step(engine: Engine) -> None:
    _define(engine, "skip", catchup="all")
    assert _catch_up(engine, 1, 2, nominal=3) == ("FIRED", _run(3))
    assert _drain(engine) == [_run(1), _run(2), _run(3)]


def test_the_rule_is_back_once_all_is_caught_up(engine: Engine) -> None:
    _define(engine, "skip", catchup="all")
    _catch_up(engine, 1, 2)
    engine.finish(engine.reserve_one())
    assert engine.state(_run(2)) == "queued"
    assert _fire(engine, 3) is None


def test_a_repeat_of_a_catch_up_is_recognised(engine: Engine) -> None:
    _define(engine, "skip", catchup="all")
    _catch_up(engine, 1, 2)
    again = engine.decide("b/x", None, cursor=T0 + 2 * MINUTE, backlog=_backlog(1, 2))
    assert again == ("ALREADY", None)
    assert len(engine.members("live", "b/x")) == 2


def test_a_hundred_are_caught_up_at_most_over_all_downtimes(engine: Engine) -> None:
    _define(engine, "skip", catchup="all")
    _catch_up(engine, *range(1, 61))
    _catch_up(engine, *range(101, 161))
    (record,) = engine.last("b/x")
    assert (record["state"], record["reason"], record["count"]) == ("missed", "its line of 100 is full", 19)
    assert record["first"] == T0 + 101 * MINUTE
    assert len(_drain(engine)) == 101


def test_what_fell_into_a_hold_is_not_caught_up(engine: Engine) -> None:
    _define(engine, "skip", catchup="all")
    engine.hold("job:b/x", T0 + 2 * MINUTE, T0 + 4 * MINUTE)
    _catch_up(engine, 1, 2, 3, 4)
    assert [(r["state"], r["count"]) for r in engine.last("b/x")] == [("held", 2)]
    assert _drain(engine) == [_run(1), _run(4)]


def test_a_catch_up_uses_up_runs(engine: Engine) -> None:
    engine.define("b/x", schedule={"every": MINUTE, "runs": 2}, catchup="all")
    _catch_up(engine, 1, 2, 3)
    assert engine.members("live", "b/x") == {_run(1), _run(2)}
    assert engine.due("b/x") is None


def test_a_line_nobody_moves_is_found_and_mended(engine: Engine) -> None:
    _define(engine, "queue")
    _fire(engine, 0)
    _fire(engine, 1)
    engine.client.srem(engine.store.key("live", "b/x"), _run(0))
    engine.client.zrem(engine.store.key("queue", "common"), _run(0))
    engine.client.delete(engine.store.key("run", _run(0)))
    assert [str(problem) for problem in fsck.check(engine.store)] == ["b/x has runs that wait for none"]
    fsck.repair(engine.store)
    assert engine.state(_run(1)) == "queued"


def test_a_missed_span_of_a_parent_is_skipped_by_its_dependents(engine: Engine) -> None:
    engine.define("b/x", schedule={"every": MINUTE})
    engine.define("b/y", after=["b/x"])
    engine.define("b/z", after=["b/y"])
    _fire(engine, 9, missed=(8, T0 + MINUTE, T0 + 8 * MINUTE))
    assert [(r["state"], r["reason"], r["count"]) for r in engine.last("b/y")] == [
        ("skipped", "after: b/x missed", 8)
    ]
    (record,) = engine.last("b/z")
    assert (record["reason"], record["first"], record["last"]) == (
        "after: b/y skipped",
        T0 + MINUTE,
        T0 + 8 * MINUTE,
    )


def test_a_missed_span_reaches_a_job_of_several_parents_once(engine: Engine) -> None:
    engine.define("b/x", schedule={"every": MINUTE})
    for side in ("left", "right"):
        engine.define(f"b/{side}", after=["b/x"])
    engine.define("b/join", after=["b/left", "b/right"])
    _fire(engine, 9, missed=(8, T0 + MINUTE, T0 + 8 * MINUTE))
    assert [(r["reason"], r["count"]) for r in engine.last("b/join")] == [("after: b/left skipped", 8)]
    assert engine.client.exists(engine.store.key("joins", "b/join")) == 0
    assert _drain(engine) == [_run(9), *(f"b/{name}@{_run(9)[4:]}" for name in ("left", "right", "join"))]


def test_a_run_by_hand_that_is_replaced_tells_the_dependents_that_came_with_it(engine: Engine) -> None:
    _define(engine, "replace")
    engine.define("b/y", after=["b/x"])
    engine.runs.start_run("b/x", by="ana", with_dependents=True)
    _fire(engine, 0)
    assert engine.members("live", "b/x") == {_run(0)}
    assert [(r["state"], r["reason"]) for r in engine.last("b/y")] == [("skipped", "after: b/x cancelled")]


@pytest.mark.parametrize("round_", range(4))
def test_whatever_happens_every_line_comes_to_its_end(engine: Engine, clock: StoreClock, round_: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed} of round {round_}")  # noqa: T201 - shown with a failure
    chance = random.Random(seed)
    _define(engine, chance.choice(RULES), catchup=chance.choice(["last", "all"]), locks={"db": 1})
    engine.define("b/y", after=["b/x"], overlap=chance.choice(RULES))
    engine.client.zadd(engine.store.key("sched"), {"b/x": NEVER})
    running: list[Any] = []
    for index in range(60):
        deed = chance.choice(DEEDS)
        if deed == "fire" and index % 9 == 0:
            _catch_up(engine, 10 * index + 1, 10 * index + 2, nominal=10 * index + 5)
        elif deed == "fire":
            _fire(engine, 10 * index + 5)
        elif deed == "reserve":
            running += engine.reserve(limit=2)
        elif deed == "finish" and running:
            verdict = chance.choice(VERDICTS)
            engine.finish(running.pop(chance.randrange(len(running))), verdict, delay_ms=MINUTE)
        elif deed == "hand":
            engine.runs.start_run("b/x", by="ana", with_dependents=chance.random() < 0.5)
        elif deed == "cancel" and (live := sorted(engine.members("live", "b/x"))):
            engine.runs.cancel(chance.choice(live), "ana")
        elif deed == "edit":
            _define(engine, chance.choice(RULES), catchup=chance.choice(["last", "all"]), locks={"db": 1})
        elif deed == "tick":
            clock.advance(MINUTE)
            engine.runs.tick("s1")
        assert fsck.check(engine.store) == [], deed
    while engine.members("live", "b/x") | engine.members("live", "b/y"):
        clock.advance(MINUTE)
        engine.runs.tick("s1")
        running += engine.reserve()
        for reserved in running:
            engine.finish(reserved)
        running = []
    assert not engine.client.exists(engine.store.key("line", "b/x"), engine.store.key("line", "b/y"))
