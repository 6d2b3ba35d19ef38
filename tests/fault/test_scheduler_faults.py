"""Schedulers that are killed, frozen, cut off; a store that goes away, fills up, or loses its replies."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.clock import StoreClock
from kit.engine import MINUTE, NEVER, Engine
from kit.events import events_of, wait_for_event
from kit.made import made
from kit.server import Server, fresh_namespace

from jobboard import errors
from jobboard.clock import monotonic_s
from jobboard.core.times.schedule import compile_schedule
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.store.calls.connect import Store
from jobboard.store.runs.runs import CLAIM_LEASE_MS
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.events import Event

PROGRAM = """
import sys, threading
from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.daemon.service import Signals
from jobboard.store.calls.connect import Store
with Signals() as signals, Store(sys.argv[1], sys.argv[2]) as store:
    Scheduler(store, name=sys.argv[3]).run(signals.stop)
"""
T0 = 1_600_000_020_000


@contextmanager
def _process(store: Store, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A scheduler as a process of its own; gone, however it went, at the end of the block."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, store.url, store.namespace, name])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _thread(store: Store, name: str = "s1") -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Scheduler(store, name=name).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def _define(engine: Engine, address: str, schedule: dict[str, Any]) -> None:
    """A job as a sync would leave it, with everything up to T0 decided."""
    engine.define(address, schedule=schedule, overlap="allow")
    nominal = compile_schedule(schedule, address).next_after(T0)
    engine.client.hset(engine.store.key("cursor"), address, T0)
    engine.client.zadd(engine.store.key("sched"), {address: nominal or NEVER})


def _is_fired(event: Event) -> bool:
    return event["e"] == "fired"


def _until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Wait for a condition that no event announces."""
    deadline_s, pause = monotonic_s() + timeout_s, threading.Event()
    while not condition():
        assert monotonic_s() < deadline_s
        pause.wait(0.005)


def _decided_once_each(engine: Engine, address: str, span_ms: int) -> None:
    """Every nominal from T0 to the cursor fired, and none twice: held against a list of our own."""
    cursor = int(cast("bytes", engine.client.hget(engine.store.key("cursor"), address)))
    fired = [e["run"] for e in events_of(engine.store) if _is_fired(e) and e["job"] == address]
    nominals = sorted(made(engine.store, run)["nominal"] for run in fired)
    assert nominals == list(range(T0 + span_ms, cursor + 1, span_ms))


def test_killed_again_and_again_nothing_is_lost_and_nothing_fires_twice(
    store: Store, clock: StoreClock
) -> None:
    clock.set(T0)
    engine = Engine(store)
    for i in range(10):
        _define(engine, f"b/j{i}", {"every": 100, "phase": 0})
    seen = "0"
    with _thread(store, "steady"):
        for i in range(6):
            with _process(store, f"victim{i}") as process:
                victims = store.key("schedulers")
                _until(lambda: store.client.zscore(victims, f"victim{i}") is not None)  # noqa: B023 # called at once
                seen = wait_for_event(store, _is_fired, after=seen)["id"]
                process.send_signal(signal.SIGKILL)
        clock.advance(CLAIM_LEASE_MS)
        clock.wake()
        _until(lambda: store.client.zcard(store.key("claims")) == 0)
        wait_for_event(store, _is_fired, after=seen)
    for i in range(10):
        _decided_once_each(engine, f"b/j{i}", 100)
    assert fsck.check(store) == []


def test_what_a_dead_scheduler_claimed_is_fired_by_another_after_the_lease(
    store: Store, clock: StoreClock
) -> None:
    clock.set(T0 + MINUTE)
    engine = Engine(store)
    _define(engine, "b/x", {"every": MINUTE, "phase": T0 % MINUTE})
    assert engine.runs.claim("dead").entries
    with _thread(store):
        _until(lambda: store.client.exists(store.key("schedulers")) == 1)
        assert not any(_is_fired(e) for e in events_of(store))
        clock.advance(CLAIM_LEASE_MS)
        clock.wake()
        wait_for_event(store, _is_fired)
    assert engine.decide("b/x", T0 + MINUTE, scheduler="dead") == ("ALREADY", None)


def test_a_frozen_scheduler_that_thaws_does_no_harm(store: Store, clock: StoreClock) -> None:
    clock.set(T0)
    engine = Engine(store)
    for i in range(10):
        _define(engine, f"b/j{i}", {"every": 50, "phase": 0})
    with _process(store, "frozen") as process:
        last = wait_for_event(store, _is_fired)["id"]
        process.send_signal(signal.SIGSTOP)
        clock.advance(CLAIM_LEASE_MS)
        with _thread(store, "other"):
            last = wait_for_event(store, _is_fired, after=last)["id"]
            process.send_signal(signal.SIGCONT)
            for _ in range(5):
                last = wait_for_event(store, _is_fired, after=last)["id"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    for i in range(10):
        _decided_once_each(engine, f"b/j{i}", 50)
    assert fsck.check(store) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_on_a_signal(store: Store, clock: StoreClock, number: signal.Signals) -> None:
    clock.set(T0)
    _define(Engine(store), "b/x", {"every": 100, "phase": 0})
    with _process(store, "s1") as process:
        wait_for_event(store, _is_fired)
        process.send_signal(number)
        assert process.wait(20) == 0
    assert store.client.exists(store.key("schedulers"), store.key("claims"), store.key("claim")) == 0


def test_the_store_goes_away_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    server = Server({"appendonly": "yes", "appendfsync": "always"})
    try:
        with Store(server.url, fresh_namespace()) as store:
            engine = Engine(store)
            now_ms = StoreClock(store).now()
            engine.define("b/x", schedule={"every": 100, "phase": 0}, overlap="allow")
            store.client.hset(store.key("cursor"), "b/x", now_ms)
            store.client.zadd(store.key("sched"), {"b/x": now_ms})
            with caplog.at_level(logging.WARNING), _thread(store):
                last = wait_for_event(store, _is_fired)["id"]
                server.kill()
                _until(lambda: "away" in caplog.text)
                server.start()
                wait_for_event(store, _is_fired, after=last)
                _until(lambda: "back" in caplog.text)
            said = [record.getMessage() for record in caplog.records]
            assert [line.split(":")[0] for line in said] == ["The store is away", "The store is back"]
            fired = [e["run"] for e in events_of(store) if _is_fired(e)]
            assert len(fired) == len(set(fired))
            assert fsck.check(store) == []
    finally:
        server.remove()


def test_a_full_store_refuses_new_work_clearly_and_fires_once_there_is_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server({"maxmemory": "4mb"})
    try:
        with Store(server.url, fresh_namespace()) as store:
            engine = Engine(store)
            engine.worker()
            engine.define("b/running")
            engine.runs.start_run("b/running", by="ana")
            running = engine.reserve_one()
            engine.define("b/x", schedule={"at": [T0]})
            store.client.zadd(store.key("sched"), {"b/x": T0})
            store.client.config_set("maxmemory", "1")
            with caplog.at_level(logging.WARNING), _thread(store):
                _until(lambda: "memory" in caplog.text)
                assert engine.runs.beat("w1", MINUTE).known
                assert engine.finish(running) == "FINISHED"
                store.client.config_set("maxmemory", "0")
                wait_for_event(store, _is_fired)
            assert fsck.check(store) == []
    finally:
        server.remove()


class _Shaky(Store):
    """A store one of whose calls goes wrong: its reply is lost, or it never arrives, or it arrives twice."""

    def __init__(self, url: str, namespace: str, fault: str, at: int) -> None:
        super().__init__(url, namespace)
        self.fault, self.at, self.calls = fault, at, 0

    def again(self, *, timeout_s: float | None = 30.0, shared: bool = False) -> Store:
        # The scheduler's own.
        return self if timeout_s == 30.0 else super().again(timeout_s=timeout_s, shared=shared)

    def prepared(self, script: str, /, **arguments: Any) -> Callable[[], Any]:
        return lambda: self.call(script, **arguments)

    def call(self, script: str, /, **arguments: Any) -> Any:
        self.calls += 1
        if self.calls != self.at:
            return super().call(script, **arguments)
        if self.fault == "request lost":
            raise errors.StoreUnreachable("the request is lost")
        answer = super().call(script, **arguments)
        if self.fault == "reply lost":
            raise errors.StoreUnreachable("the reply is lost")
        return super().call(script, **arguments) if self.fault == "sent twice" else answer


@pytest.mark.parametrize("fault", ["request lost", "reply lost", "sent twice"])
@pytest.mark.parametrize("at", range(1, 13))
def test_any_single_call_may_go_wrong(store: Store, clock: StoreClock, fault: str, at: int) -> None:
    """The first dozen calls of a scheduler, one after the other: claims, fires, ticks."""
    clock.set(T0 + 300)
    engine = Engine(store)
    _define(engine, "b/x", {"every": 100, "phase": 0, "runs": 6})
    _define(engine, "b/y", {"every": 150, "phase": 0, "runs": 4})
    shaky = _Shaky(store.url, store.namespace, fault, at)
    with _thread(shaky):
        _until(lambda: store.client.hgetall(store.key("used")) == {b"b/x": b"6", b"b/y": b"4"})
        _until(lambda: shaky.calls > at)
    for address, count in (("b/x", 6), ("b/y", 4)):
        fired = [e["run"] for e in events_of(store) if _is_fired(e) and e["job"] == address]
        assert len(fired) == len(set(fired)) == count
    assert fsck.check(store) == []
