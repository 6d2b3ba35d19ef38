"""The scheduler: fires what is due when it is due, beside others of its kind, and sleeps in between."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import pytest
from kit.engine import MINUTE, Engine
from kit.events import events_of, wait_for_event

from jobboard.core.jobs.meaning import zone_version
from jobboard.core.times.schedule import compile_schedule
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.store.calls.wire import pack
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

T0 = 1_600_000_020_000  # on a whole minute


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    clock.set(T0 + 1)
    return Engine.at_work(store)


@contextmanager
def _scheduling(store: Store, *names: str) -> Iterator[None]:
    """Schedulers at work until the block ends; a failure of one is a failure of the test."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def run(name: str) -> None:
        try:
            Scheduler(store, name=name).run(stop)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(name,)) for name in names or ("s1",)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
        assert failures == []


def _schedule(engine: Engine, address: str, cursor: int = T0, **spec: object) -> None:
    """Define a job and make it due as a sync would, with everything up to the cursor decided."""
    engine.define(address, **spec)
    schedule = compile_schedule(cast("dict[str, object]", spec["schedule"]), address)
    nominal = schedule.next_after(cursor)
    assert nominal is not None
    engine.client.hset(engine.store.key("cursor"), address, cursor)
    engine.client.zadd(engine.store.key("sched"), {address: schedule.due(nominal)})
    engine.client.rpush(engine.store.key("wake", "scheduler"), "test")


def _every(span_ms: int, **more: int) -> dict[str, int]:
    return {"every": span_ms, "phase": 0, **more}


def test_it_fires_when_due_and_not_before(engine: Engine, clock: StoreClock) -> None:
    with _scheduling(engine.store):
        _schedule(engine, "b/x", schedule=_every(MINUTE))
        clock.set(T0 + MINUTE - 300)
        clock.wake()
        event = wait_for_event(engine.store, lambda e: e["e"] == "fired")
    assert event["run"] == "b/x@2020-09-13T12:28:00Z"
    assert int(event["at"]) >= T0 + MINUTE
    assert engine.due("b/x") == T0 + 2 * MINUTE


def test_it_sleeps_and_is_woken_by_what_is_earlier(engine: Engine) -> None:
    with _scheduling(engine.store):
        wait_for_event(engine.store, lambda e: e["e"] == "worker")
        _schedule(engine, "b/late", schedule=_every(MINUTE))
        _schedule(engine, "b/soon", schedule={"at": [T0 + 500]})
        event = wait_for_event(engine.store, lambda e: e["e"] == "fired")
    assert event["job"] == "b/soon"
    assert engine.due("b/soon") is None


def test_what_it_has_in_hand_gives_way_to_what_is_earlier(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobboard.daemon.scheduler.scheduler.LEAD_MS", 2 * MINUTE)
    looked = threading.Event()
    with _scheduling(engine.store):
        _schedule(engine, "b/late", schedule=_every(MINUTE))
        while engine.due("b/late") is not None:
            looked.wait(0.005)
        _schedule(engine, "b/soon", schedule={"at": [T0 + 500]})
        event = wait_for_event(engine.store, lambda e: e["e"] == "fired")
    assert event["job"] == "b/soon"
    assert int(event["at"]) >= T0 + 500
    assert engine.due("b/late") == T0 + MINUTE
    assert fsck.check(engine.store) == []


def test_each_nominal_once_however_many_schedulers(engine: Engine, clock: StoreClock) -> None:
    for i in range(40):
        _schedule(engine, f"b/j{i}", schedule=_every(1_000, phase=i * 25), overlap="allow")
    with _scheduling(engine.store, "s1", "s2", "s3"):
        wait_for_event(engine.store, lambda e: e["e"] == "fired" and int(e["at"]) > T0 + 3_000)
    fired = [e["run"] for e in events_of(engine.store) if e["e"] == "fired"]
    assert len(fired) == len(set(fired)) >= 40 * 2
    assert fsck.check(engine.store) == []
    for i in range(40):
        cursor = int(engine.client.hget(engine.store.key("cursor"), f"b/j{i}") or 0)
        ran = sum(run.startswith(f"b/j{i}@") for run in fired)
        assert ran == (cursor - T0 - i * 25 % 1_000) // 1_000 + (1 if i else 0)


def test_downtime_runs_the_last_and_records_the_rest(engine: Engine, clock: StoreClock) -> None:
    _schedule(engine, "b/x", schedule=_every(10 * MINUTE), cursor=T0 - 60 * MINUTE)
    with _scheduling(engine.store):
        wait_for_event(engine.store, lambda e: e["e"] == "fired")
    (record,) = engine.last("b/x")
    assert (record["state"], record["count"]) == ("missed", 5)
    assert len(engine.members("live", "b/x")) == 1


def test_no_catch_up_records_all(engine: Engine) -> None:
    _schedule(engine, "b/x", schedule=_every(10 * MINUTE), cursor=T0 - 60 * MINUTE, catchup="none")
    with _scheduling(engine.store):
        wait_for_event(engine.store, lambda e: e["e"] == "missed")
    assert engine.last("b/x")[0]["count"] == 6
    assert engine.members("live", "b/x") == set()


@pytest.mark.parametrize(
    ("catchup", "ran", "missed"),
    [("last", ["13:20"], 4), ("none", [], 5), ("all", ["12:40", "12:50", "13:00", "13:10", "13:20"], 0)],
)
def test_a_clock_that_jumps_ahead_is_downtime(
    engine: Engine, clock: StoreClock, catchup: str, ran: list[str], missed: int
) -> None:
    with _scheduling(engine.store):
        _schedule(engine, "b/x", schedule=_every(10 * MINUTE), overlap="allow", catchup=catchup)
        clock.set(T0 + 3 * MINUTE)
        clock.wake()
        first = wait_for_event(engine.store, lambda e: e["e"] == "fired")["id"]
        clock.set(T0 + 58 * MINUTE)
        clock.wake()
        last = ran[-1] if ran else "never"
        wait_for_event(engine.store, lambda e: e["e"] == "missed" or last in e["run"], after=first)
    fired = [e["run"] for e in events_of(engine.store, first) if e["e"] == "fired"]
    assert fired == [f"b/x@2020-09-13T{at}:00Z" for at in ran]
    assert sum(record.get("count", 0) for record in engine.last("b/x")) == missed


def test_a_clock_that_goes_back_fires_nothing_twice(engine: Engine, clock: StoreClock) -> None:
    with _scheduling(engine.store):
        _schedule(engine, "b/x", schedule=_every(MINUTE), overlap="allow")
        clock.set(T0 + MINUTE)
        clock.wake()
        wait_for_event(engine.store, lambda e: e["e"] == "fired")
        clock.set(T0 - 10 * MINUTE)
        clock.wake()
        clock.set(T0 + 2 * MINUTE)
        clock.wake()
        second = wait_for_event(engine.store, lambda e: e["e"] == "fired" and e["run"].endswith("12:29:00Z"))
    fired = [e["run"] for e in events_of(engine.store) if e["e"] == "fired"]
    assert len(fired) == 2
    assert fired[-1] == second["run"]


def test_it_promotes_what_was_delayed(engine: Engine, clock: StoreClock) -> None:
    engine.define("b/x")
    engine.fired("b/x", T0)
    reserved = engine.reserve_one()
    with _scheduling(engine.store):
        engine.finish(reserved, "retry", delay_ms=300)
        wait_for_event(engine.store, lambda e: e["e"] == "queued" and e["run"] == reserved.run_id)
    assert engine.reserve_one().attempt == 2


def test_it_drains_what_a_dead_sync_left(engine: Engine) -> None:
    engine.define("b/x", schedule={"at": [T0 + 100]})
    engine.client.hset(engine.store.key("work", "9"), "b/x", pack({"due": T0 + 100, "cursor": T0}))
    engine.client.rpush(engine.store.key("work"), "9")
    with _scheduling(engine.store):
        wait_for_event(engine.store, lambda e: e["e"] == "fired")
    assert not engine.client.exists(engine.store.key("work"))


def test_it_is_listed_while_it_runs(engine: Engine) -> None:
    with _scheduling(engine.store, "s1"):
        _schedule(engine, "b/x", schedule={"at": [T0 + 100]})
        wait_for_event(engine.store, lambda e: e["e"] == "fired")
        assert engine.members("schedulers") <= {"s1"}
        engine.finish(engine.reserve_one(), "retry", delay_ms=1)
        wait_for_event(engine.store, lambda e: e["e"] == "queued")
        assert engine.client.hgetall(engine.store.key("zonedata")) == {b"s1": zone_version().encode()}
    assert engine.members("schedulers") == set()


def test_a_job_it_cannot_read_stops_no_other(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    _schedule(engine, "b/good", schedule={"at": [T0 + 200]})
    engine.define("b/bad", schedule={"cron": "* * * * *", "timezone": "Mars/Olympus"})
    engine.define("b/none")
    engine.client.zadd(engine.store.key("sched"), {"b/bad": T0, "b/none": T0})
    with _scheduling(engine.store):
        wait_for_event(engine.store, lambda e: e["e"] == "fired")
    assert "b/bad cannot be scheduled" in caplog.text
    assert engine.due("b/none") is None


def test_stopping_before_the_start_is_fine(engine: Engine) -> None:
    stop = threading.Event()
    stop.set()
    Scheduler(engine.store, name="s1").run(stop)
    assert engine.members("schedulers") == set()
