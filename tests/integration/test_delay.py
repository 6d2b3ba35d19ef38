"""A delay: each run comes a while after the one before has ended, whatever that one was."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import MINUTE, Engine
from kit.events import events_of

from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.reconcile.entries import entry_between
from jobboard.store.calls.wire import pack
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.clock import StoreClock

    from jobboard.store.calls.connect import Store

T0 = 1_600_000_000_000
DELAY = 5 * MINUTE
EVERY = {"schedule": {"every": 7 * MINUTE, "phase": 0}}
PACED = {"schedule": {"delay": DELAY}}


class Paced(Engine):
    """A namespace with a scheduler that looks when it is told to, and a worker."""

    def __init__(self, store: Store, clock: StoreClock) -> None:
        super().__init__(store)
        self.clock = clock
        self.specs: dict[str, dict[str, Any]] = {}
        self.clock.set(T0)
        self.worker()

    def sync(self, address: str, **spec: Any) -> None:
        """Define a job, and have its entry follow as a sync would."""
        entry = entry_between(address, self.specs.get(address), spec, self.clock.now())
        self.specs[address] = spec
        self.define(address, **spec)
        self.settle(address, **(entry or {}))

    def look(self, span_ms: int = 0) -> str | None:
        """Let time pass and a scheduler look; the run it made, if it made one."""
        self.clock.advance(span_ms)
        before = len(events_of(self.store))
        scheduler, stopped = Scheduler(self.store, name="s1"), threading.Event()
        scheduler.turn()
        scheduler.turn()
        stopped.set()
        scheduler.run(stopped)
        assert fsck.check(self.store) == []
        return next((event["run"] for event in events_of(self.store)[before:] if event["e"] == "fired"), None)

    def take(self) -> Any:
        """Hand out the run that waits."""
        return self.reserve_one()

    def waits(self, address: str = "b/x") -> int | None:
        """How long from now it is due, in whole seconds."""
        due = self.due(address)
        return None if due is None else round((due - self.clock.now()) / 1_000)


@pytest.fixture
def paced(store: Store, clock: StoreClock) -> Iterator[Paced]:
    yield Paced(store, clock)
    assert fsck.check(store) == []


def test_the_first_run_is_due_at_once_and_the_next_after_its_end(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    assert paced.look(2)
    assert paced.due("b/x") is None
    assert paced.look(60 * MINUTE) is None
    run = paced.take()
    paced.look(60 * MINUTE)
    paced.finish(run)
    assert paced.waits() == 300
    assert paced.look(DELAY - 2_000) is None
    assert paced.look(2_001)


def test_the_delay_counts_from_the_last_try(paced: Paced) -> None:
    paced.sync("b/x", **PACED, retries={"max": 1, "delay": MINUTE})
    paced.look(2)
    paced.finish(paced.take(), "retry", delay_ms=MINUTE)
    assert paced.due("b/x") is None
    paced.look(MINUTE + 1)
    paced.finish(paced.take(), "failed")
    assert paced.waits() == 300


def test_a_run_by_hand_counts_as_well(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    paced.look(2)
    paced.finish(paced.take())
    paced.clock.advance(MINUTE)
    paced.runs.start_run("b/x", by="ana")
    run = paced.take()
    # Due while that one is unfinished: it waits for the end.
    assert paced.look(DELAY) is None
    paced.clock.advance(MINUTE)
    paced.finish(run)
    assert paced.waits() == 300
    assert [record["state"] for record in paced.last("b/x")] == ["ok", "ok"]


def test_a_schedule_that_becomes_a_delay_waits_for_the_run_that_is_unfinished(paced: Paced) -> None:
    paced.sync("b/x", **EVERY)
    assert paced.look(7 * MINUTE)
    run = paced.take()
    paced.sync("b/x", **PACED)
    assert paced.look(2) is None
    paced.clock.advance(MINUTE)
    paced.finish(run)
    assert paced.waits() == 300


def test_a_changed_delay_counts_from_the_change_and_from_the_next_end(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    paced.look(2)
    run = paced.take()
    paced.sync("b/x", schedule={"delay": 2 * MINUTE})
    assert paced.waits() == 120
    assert paced.look(2 * MINUTE) is None
    paced.finish(run)
    assert paced.waits() == 120
    paced.sync("b/x", schedule={"delay": 9 * MINUTE})
    assert paced.waits() == 540


def test_a_run_that_is_held_or_skipped_counts_as_over_then(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    paced.hold("job:b/x", T0, T0 + MINUTE)
    assert paced.look(2) is None
    assert (paced.last("b/x")[0]["state"], paced.waits()) == ("held", 300)
    paced.store.call("skip_next", address="b/x", count=1, by={"actor": "ana", "via": "cli"}, reason="")
    assert paced.look(DELAY) is None
    assert (paced.last("b/x")[0]["state"], paced.waits()) == ("skipped", 300)
    assert paced.look(DELAY)


@pytest.mark.parametrize(("catchup", "runs"), [("last", True), ("all", True), ("none", False)])
def test_what_no_scheduler_saw_in_time_is_caught_up_or_counts_as_over(
    paced: Paced, catchup: str, *, runs: bool
) -> None:
    paced.sync("b/x", **PACED, catchup=catchup)
    found = paced.look(30 * MINUTE)
    assert bool(found) is runs
    if found:
        assert found.startswith("b/x@2020-09-13T12:26:40.")
    else:
        assert (paced.last("b/x")[0]["state"], paced.waits()) == ("missed", 300)


def test_it_begins_at_start_ends_at_stop_and_after_so_many_runs(paced: Paced) -> None:
    start, stop = T0 + 10 * MINUTE, T0 + 19 * MINUTE
    paced.sync("b/x", schedule={"delay": DELAY, "start": start, "stop": stop})
    paced.sync("b/once", schedule={"delay": DELAY, "runs": 1})
    assert paced.due("b/x") == start
    assert (paced.look(2) or "").startswith("b/once@")
    paced.finish(paced.take())
    assert paced.due("b/once") is None
    assert paced.look(10 * MINUTE) == "b/x@2020-09-13T12:36:40Z"
    paced.finish(paced.take())
    assert paced.look(DELAY + 2)
    paced.finish(paced.take())
    # The next one would come after the stop.
    assert paced.due("b/x") is None
    assert paced.look(20 * MINUTE) is None


def test_what_is_disabled_is_not_due_after_its_run_and_at_once_when_enabled(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    paced.look(2)
    paced.sync("b/x", **PACED, enabled=False)
    paced.finish(paced.take())
    assert paced.due("b/x") is None
    paced.sync("b/x", **PACED, enabled=True)
    assert paced.look(2)


@pytest.mark.parametrize("rule", ["retry", "fail", "skip"])
def test_a_lost_run_makes_it_due_once_it_is_over(paced: Paced, rule: str) -> None:
    paced.sync("b/x", **PACED, on_lost=rule)
    paced.look(2)
    for _ in range(3 if rule == "retry" else 1):
        assert paced.due("b/x") is None
        paced.finish(paced.take(), "lost")
    assert paced.waits() == 300


def test_a_cancelled_run_is_over(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    run = paced.look(2)
    assert run is not None
    assert paced.runs.cancel(run, "ana") == "CANCELLED"
    assert paced.waits() == 300


def test_a_job_with_another_address_goes_on_after_the_run_that_is_unfinished(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    paced.look(2)
    run = paced.take()
    paced.remove("b/x")
    paced.define("b/y", **PACED)
    for address, entry in (("b/x", {"to": "b/y"}), ("b/y", {"from": "b/x"})):
        paced.client.hset(paced.store.key("work", "st"), address, pack(entry))
    paced.client.rpush(paced.store.key("work"), "st")
    paced.store.call("drain", limit=100)
    paced.finish(run)
    assert paced.waits("b/y") == 300
    assert paced.waits("b/x") is None


def test_fsck_finds_what_no_run_will_make_due(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    paced.client.zrem(paced.store.key("sched"), "b/x")
    (problem,) = fsck.repair(paced.store)
    assert str(problem) == "b/x has a schedule and is not due"
    assert paced.look(DELAY)


def test_the_clock_going_back_decides_nothing_twice(paced: Paced) -> None:
    paced.sync("b/x", **PACED)
    first = paced.look(2)
    paced.finish(paced.take())
    paced.clock.advance(-60 * MINUTE)
    paced.client.zadd(paced.store.key("sched"), {"b/x": paced.clock.now()})
    second = paced.look(1) or paced.look(60 * MINUTE)
    assert second is not None
    assert first is not None
    assert second > first
