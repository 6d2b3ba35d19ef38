"""Claiming and firing: every nominal is decided once, whoever tries, with a reason where it does not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import MINUTE, NEVER, Engine
from kit.events import events_of

from jobboard.core.runs.run import Firing
from jobboard.core.times.instant import format_instant
from jobboard.store.calls.wire import pack
from jobboard.store.runs import past
from jobboard.store.runs.runs import CLAIM_LEASE_MS

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

T0 = 1_600_000_000_000


@pytest.fixture
def engine(store: Store) -> Engine:
    built = Engine(store)
    built.define("b/x", schedule={"every": MINUTE})
    return built


def _due(engine: Engine, address: str, at: int) -> None:
    engine.client.zadd(engine.store.key("sched"), {address: at})


def test_a_due_job_is_claimed_with_all_that_is_needed(engine: Engine) -> None:
    _due(engine, "b/x", T0)
    engine.client.hset(engine.store.key("cursor"), "b/x", T0 - MINUTE)
    (entry,) = engine.runs.claim("s1").entries
    assert (entry.address, entry.due_ms, entry.cursor_ms) == ("b/x", T0, T0 - MINUTE)
    assert engine.due("b/x") is None


def test_what_is_not_due_is_left_and_named(engine: Engine) -> None:
    _due(engine, "b/x", NEVER)
    claimed = engine.runs.claim("s1")
    assert claimed.entries == []
    assert claimed.next_at_ms == NEVER


def test_what_will_be_due_soon_is_claimed_ahead(engine: Engine, clock: StoreClock) -> None:
    clock.set(T0)
    _due(engine, "b/x", T0 + 2 * MINUTE)
    assert engine.runs.claim("s1", ahead_ms=MINUTE).entries == []
    (entry,) = engine.runs.claim("s1", ahead_ms=2 * MINUTE).entries
    assert (entry.address, entry.due_ms) == ("b/x", T0 + 2 * MINUTE)


def test_what_was_claimed_ahead_fires_at_its_instant_and_not_before(
    engine: Engine, clock: StoreClock
) -> None:
    clock.set(T0)
    _due(engine, "b/x", T0 + MINUTE)
    engine.runs.claim("s1", ahead_ms=MINUTE)
    assert engine.decide("b/x", T0 + MINUTE) == ("STALE", None)
    assert engine.due("b/x") == T0 + MINUTE
    assert not engine.client.exists(engine.store.key("claims"), engine.store.key("claim"))
    engine.runs.claim("s1", ahead_ms=MINUTE)
    clock.set(T0 + MINUTE)
    assert engine.decide("b/x", T0 + MINUTE)[0] == "FIRED"


def test_a_hold_that_comes_after_a_claim_ahead_is_heeded(engine: Engine, clock: StoreClock) -> None:
    clock.set(T0)
    _due(engine, "b/x", T0 + MINUTE)
    engine.runs.claim("s1", ahead_ms=MINUTE)
    engine.hold("job:b/x", at=T0)
    clock.set(T0 + MINUTE)
    assert engine.decide("b/x", T0 + MINUTE)[0] == "HELD"


def test_a_claimed_job_is_nobody_elses(engine: Engine) -> None:
    _due(engine, "b/x", T0)
    assert engine.runs.claim("s1").entries
    assert not engine.runs.claim("s2").entries
    assert engine.decide("b/x", T0, scheduler="s2") == ("STALE", None)
    assert engine.decide("b/x", T0, scheduler="s1")[0] == "FIRED"


def test_a_claim_that_lapses_is_due_again_at_its_true_instant(engine: Engine, clock: StoreClock) -> None:
    _due(engine, "b/x", T0)
    engine.runs.claim("s1")
    clock.advance(CLAIM_LEASE_MS + 1)
    (entry,) = engine.runs.claim("s2").entries
    assert entry.due_ms == T0
    assert engine.decide("b/x", T0, scheduler="s1") == ("STALE", None)
    assert engine.decide("b/x", T0, scheduler="s2")[0] == "FIRED"


def test_a_claim_whose_reply_was_lost_comes_again(engine: Engine) -> None:
    _due(engine, "b/x", T0)
    first = engine.runs.claim("s1").entries
    assert engine.runs.claim("s2").entries == []
    assert engine.runs.claim("s1").entries == first


def test_a_scheduler_that_resigns_leaves_nothing_claimed(engine: Engine) -> None:
    _due(engine, "b/x", T0)
    engine.runs.claim("s1")
    engine.runs.tick("s1", "2026a")
    engine.runs.resign("s1")
    assert engine.due("b/x") == T0
    assert engine.members("schedulers") == set()
    assert not engine.client.exists(engine.store.key("zonedata"))


def test_claims_come_in_pages(engine: Engine) -> None:
    for i in range(7):
        engine.define(f"b/j{i}")
        _due(engine, f"b/j{i}", T0 + i)
    pages = [[e.address for e in engine.runs.claim(f"s{i}", 3).entries] for i in range(3)]
    assert pages == [["b/j0", "b/j1", "b/j2"], ["b/j3", "b/j4", "b/j5"], ["b/j6"]]


def test_a_due_entry_of_no_job_is_dropped(engine: Engine) -> None:
    _due(engine, "b/gone", T0)
    assert engine.runs.claim("s1").entries == []
    assert engine.due("b/gone") is None


def test_firing_makes_a_run_moves_the_cursor_and_sets_the_next(engine: Engine) -> None:
    tag, run_id = engine.fire("b/x", T0, next_due=NEVER)
    assert (tag, run_id) == ("FIRED", "b/x@2020-09-13T12:26:40Z")
    assert engine.members("live", "b/x") == {run_id} == engine.members("queue", "common")
    assert engine.client.hget(engine.store.key("cursor"), "b/x") == str(T0).encode()
    assert engine.due("b/x") == NEVER


def test_a_nominal_is_decided_once(engine: Engine) -> None:
    engine.fired("b/x", T0)
    assert engine.fire("b/x", T0, next_due=NEVER) == ("ALREADY", None)
    assert engine.fire("b/x", T0 - MINUTE, next_due=NEVER) == ("ALREADY", None)
    assert engine.due("b/x") == NEVER
    assert len(engine.members("live", "b/x")) == 1


def _firing(engine: Engine, address: str, *, epoch: int | None = None) -> Firing:
    return Firing(address, epoch or engine.epochs[address], T0, NEVER, T0, format_instant(T0), T0)


def test_a_page_of_jobs_of_several_boards_is_fired_in_its_order(engine: Engine) -> None:
    page = ["c/z", "b/x", "c/a", "a/x"]
    for address in page:
        engine.define(address)
        _due(engine, address, T0)
    assert sorted(entry.address for entry in engine.runs.claim("s1").entries) == sorted(page)
    fired = [run for _, run in engine.runs.fire("s1", [_firing(engine, address) for address in page])]
    assert fired == [f"{address}@2020-09-13T12:26:40Z" for address in page]
    queued: Any = engine.client.zrange(engine.store.key("queue", "common"), 0, -1)
    assert [run.decode() for run in queued] == fired
    assert [engine.due(address) for address in page] == [NEVER] * 4


def test_what_is_void_in_a_page_holds_up_nothing_else(engine: Engine) -> None:
    page = ["b/x", "b/changed", "b/gone", "b/limited"]
    for address in page[1:]:
        engine.define(address, **({"schedule": {"runs": 1}} if address == "b/limited" else {}))
    for address in page:
        _due(engine, address, T0)
    engine.runs.claim("s1")
    engine.remove("b/gone")
    firings = [_firing(engine, address, epoch=1 if address == "b/changed" else None) for address in page]
    firings.append(_firing(engine, "b/x"))
    tags = [tag for tag, _ in engine.runs.fire("s1", firings)]
    assert tags == ["FIRED", "STALE", "GONE", "FIRED", "STALE"]
    assert engine.due("b/changed") == T0
    assert engine.client.hkeys(engine.store.key("claim")) == []
    assert len(engine.members("queue", "common")) == 2


def test_a_repeat_of_the_same_call_is_recognised(engine: Engine) -> None:
    engine.fired("b/x", T0)
    assert engine.decide("b/x", T0) == ("ALREADY", None)


def test_a_job_that_changed_after_the_claim_does_not_fire(engine: Engine) -> None:
    _due(engine, "b/x", T0)
    engine.runs.claim("s1")
    old = engine.epochs["b/x"]
    engine.define("b/x", schedule={"every": 2 * MINUTE})
    assert engine.decide("b/x", T0, epoch=old) == ("STALE", None)
    assert engine.due("b/x") == T0
    assert not engine.members("live", "b/x")


def test_a_commit_between_claim_and_fire_takes_the_claim_away(engine: Engine) -> None:
    _due(engine, "b/x", T0)
    engine.runs.claim("s1")
    engine.client.hset(engine.store.key("work", "9"), "b/x", pack({"due": NEVER}))
    engine.client.rpush(engine.store.key("work"), "9")
    assert engine.decide("b/x", T0) == ("STALE", None)
    assert engine.due("b/x") == NEVER


def test_a_job_removed_after_the_claim_is_gone(engine: Engine) -> None:
    _due(engine, "b/x", T0)
    engine.runs.claim("s1")
    engine.remove("b/x")
    assert engine.decide("b/x", T0) == ("GONE", None)
    assert engine.due("b/x") is None


def test_a_disabled_job_does_not_fire(engine: Engine) -> None:
    engine.define("b/x", schedule={"every": MINUTE}, enabled=False)
    assert engine.fire("b/x", T0) == ("DISABLED", None)


def test_nothing_to_run_now_only_sets_the_next(engine: Engine) -> None:
    _due(engine, "b/x", T0)
    engine.runs.claim("s1")
    assert engine.decide("b/x", None, cursor=T0 - 1, next_due=NEVER) == ("NOTHING", None)
    assert engine.due("b/x") == NEVER


def test_runs_ends_a_job(engine: Engine) -> None:
    engine.define("b/x", schedule={"every": MINUTE, "runs": 2}, overlap="allow")
    tags = [engine.fire("b/x", T0 + i * MINUTE, next_due=NEVER)[0] for i in range(3)]
    assert tags == ["FIRED", "FIRED", "COMPLETED"]
    assert engine.due("b/x") is None


def test_an_unfinished_run_is_in_the_way_and_named(engine: Engine) -> None:
    first = engine.fired("b/x", T0)
    assert engine.fire("b/x", T0 + MINUTE) == ("SKIPPED", None)
    (record,) = engine.last("b/x")
    assert record["state"] == "skipped"
    assert record["reason"] == f"overlap: {first} has not finished"


def test_overlap_allow_lets_runs_be_side_by_side(engine: Engine) -> None:
    engine.define("b/x", schedule={"every": MINUTE}, overlap="allow")
    assert {engine.fire("b/x", T0 + i)[0] for i in range(3)} == {"FIRED"}
    assert len(engine.members("live", "b/x")) == 3


def test_consecutive_skips_of_one_reason_are_one_record(engine: Engine) -> None:
    engine.fired("b/x", T0)
    for i in range(1, 4):
        engine.fire("b/x", T0 + i * MINUTE)
    (record,) = engine.last("b/x")
    assert (record["count"], record["first"], record["last"]) == (3, T0 + MINUTE, T0 + 3 * MINUTE)
    assert engine.client.xlen(engine.store.key("history")) == 1


def test_another_reason_is_another_record(engine: Engine, clock: StoreClock) -> None:
    engine.fired("b/x", T0)
    engine.fire("b/x", T0 + MINUTE)
    engine.hold("job:b/x", T0)
    engine.fire("b/x", T0 + 2 * MINUTE)
    assert [record["state"] for record in engine.last("b/x")] == ["held", "skipped"]


@pytest.mark.parametrize("scope", ["all", "board:b", "job:b/x", "tag:nightly"])
def test_a_hold_holds_by_the_nominal(engine: Engine, scope: str) -> None:
    engine.define("b/x", schedule={"every": MINUTE}, tags=["nightly"])
    engine.hold(scope, T0, T0 + MINUTE)
    assert engine.fire("b/x", T0 - 1)[0] == "FIRED"
    assert engine.fire("b/x", T0)[0] == "HELD"
    assert engine.fire("b/x", T0 + MINUTE - 1)[0] == "HELD"
    assert engine.fire("b/x", T0 + MINUTE)[0] == "SKIPPED"
    assert engine.last("b/x")[1]["reason"] == "paused by ana: holiday"


def test_what_was_missed_is_one_record(engine: Engine) -> None:
    engine.fire("b/x", T0, missed=(9, T0 - 9 * MINUTE, T0 - MINUTE))
    (record,) = engine.last("b/x")
    assert (record["state"], record["count"]) == ("missed", 9)
    assert (record["first"], record["last"]) == (T0 - 9 * MINUTE, T0 - MINUTE)


def test_what_a_hold_covered_was_held_and_not_missed(engine: Engine) -> None:
    engine.hold("all", T0 - 20 * MINUTE, T0)
    engine.fire("b/x", T0, missed=(9, T0 - 9 * MINUTE, T0 - MINUTE))
    assert engine.last("b/x")[0]["state"] == "held"


def test_the_last_twenty_records_are_kept(engine: Engine) -> None:
    engine.worker()
    for i in range(25):
        engine.fired("b/x", T0 + i)
        engine.finish(engine.reserve_one())
    assert [record["nominal"] for record in engine.last("b/x")] == [T0 + i for i in range(24, 4, -1)]


def test_many_at_once_are_fired_in_pages(engine: Engine) -> None:
    firings = []
    for i in range(450):
        engine.define(f"b/j{i}", schedule={"every": MINUTE})
        _due(engine, f"b/j{i}", T0)
        firings.append(Firing(f"b/j{i}", engine.epochs[f"b/j{i}"], T0, NEVER, T0, "2020-09-13T12:26:40Z", T0))
    assert len(engine.runs.claim("s1", 450).entries) == 450
    assert {tag for tag, _ in engine.runs.fire("s1", firings)} == {"FIRED"}
    assert engine.client.zcard(engine.store.key("queue", "common")) == 450


def test_firing_wakes_a_worker_and_is_told(engine: Engine) -> None:
    run_id = engine.fired("b/x", T0)
    assert engine.client.llen(engine.store.key("wake", "common")) == 1
    (event,) = events_of(engine.store)
    assert (event["e"], event["run"], event["job"]) == ("fired", run_id, "b/x")


def test_a_run_by_hand(engine: Engine, clock: StoreClock) -> None:
    clock.set(T0 + 123)
    run_id = engine.runs.start_run("b/x", by="ana", reason="to see")
    assert run_id.startswith("b/x@2020-09-13T12:26:40.1")
    engine.worker()
    reserved = engine.reserve_one()
    assert (reserved.run_id, reserved.trigger) == (run_id, "manual")
    engine.finish(reserved)
    assert engine.last("b/x")[0]["by"] == "ana"


def test_a_repeat_of_a_run_by_hand_finds_the_run_it_made(engine: Engine) -> None:
    asked = {
        "address": "b/x",
        "by": "ana",
        "reason": "",
        "mark": "abc123",
        "force": False,
        "respect_overlap": True,
    }
    first = engine.store.call("start", **asked)
    assert engine.store.call("start", **asked) == first
    engine.worker()
    engine.finish(engine.reserve_one())
    for _ in range(21):
        engine.runs.start_run("b/x", by="ana")
        engine.finish(engine.reserve_one())
    assert engine.store.call("start", **asked) == first


def test_runs_by_hand_of_one_instant_are_told_apart_by_all_of_their_marks(engine: Engine) -> None:
    asked = {"address": "b/x", "by": "ana", "reason": "", "force": False, "respect_overlap": False}
    started = {
        mark: engine.store.call("start", mark=mark, **asked)[1] for mark in ("abcdef0001", "abcdef0002")
    }
    assert started["abcdef0001"].endswith("-abcdef")
    assert len(set(started.values())) == 2
    for mark, run_id in started.items():
        assert engine.store.call("start", mark=mark, **asked) == ["STARTED", run_id]
    assert {run.run_id for run in past.live_runs(engine.store, "b/x")} == set(started.values())
