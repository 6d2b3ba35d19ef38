"""The store goes away over several nominals and comes back, while a scheduler waits for it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kit.clock import StoreClock
from kit.engine import MINUTE, Engine
from kit.events import events_of, wait_for_event
from kit.server import Server, fresh_namespace
from kit.work import until

from jobboard.daemon.scheduler.scheduler import Scheduler
from jobboard.store.calls.connect import Store
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

T0 = 1_600_000_020_000  # on a whole minute
AWAY_MS = 35 * MINUTE
"""From three minutes after the first nominal on: the next three fall into it."""


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server({"appendonly": "yes", "appendfsync": "always"})
    yield one
    one.remove()


def away(server: Server, store: Store, span_ms: int, said: pytest.LogCaptureFixture) -> None:
    """Stop the store until that is noticed, and let so much time have passed by when it is reached again."""
    server.stop()
    until(lambda: "The store is away" in said.text, 20)
    socket = server.config["unixsocket"]
    server.config["unixsocket"] = f"{socket}-aside"
    server.start()
    with Store(f"{server.url}-aside", store.namespace) as aside:
        StoreClock(aside).advance(span_ms)
    server.stop()
    server.config["unixsocket"] = socket
    server.start()


@pytest.mark.parametrize(
    "rule",
    [("last", ["13:00"], 2), ("none", [], 3), ("all", ["12:40", "12:50", "13:00"], 0)],
)
@pytest.mark.parametrize("schedule", [{"every": 10 * MINUTE, "phase": 0}, {"delay": 10 * MINUTE}])
def test_what_fell_into_it_is_caught_up_as_the_job_says(
    server: Server,
    caplog: pytest.LogCaptureFixture,
    schedule: dict[str, Any],
    rule: tuple[str, list[str], int],
) -> None:
    catchup, ran, missed = rule
    stop = threading.Event()
    with Store(server.url, fresh_namespace()) as store:
        store.client.hset(store.key("meta"), mapping={"test": "1", "test_offset_ms": "0"})
        clock, engine = StoreClock(store), Engine(store)
        clock.set(T0 + 1)
        engine.worker(lease_ms=24 * 60 * MINUTE)
        engine.define("b/x", schedule=schedule, catchup=catchup)
        engine.define("b/last", schedule={"at": [T0 + 3 * MINUTE + AWAY_MS]})
        store.client.hset(store.key("cursor"), mapping={"b/x": T0, "b/last": T0})
        first_ms = T0 + 3 * MINUTE
        store.client.zadd(store.key("sched"), {"b/x": first_ms, "b/last": first_ms + AWAY_MS - MINUTE})
        thread = threading.Thread(target=Scheduler(store, name="s1").run, args=(stop,))
        with caplog.at_level(logging.WARNING):
            thread.start()
            try:
                clock.set(first_ms + 1)
                clock.wake()
                fired = wait_for_event(store, lambda e: e["e"] == "fired")["id"]
                engine.finish(engine.reserve_one())
                away(server, store, AWAY_MS, caplog)
                wait_for_event(store, lambda e: e["e"] == "fired" and e["job"] == "b/last", after=fired)
            finally:
                stop.set()
                thread.join(20)
        found = [e["run"] for e in events_of(store, fired) if e["e"] == "fired" and e["job"] == "b/x"]
        if "delay" in schedule:
            # One was due, a while after the end of the one before.
            assert len(found) == bool(ran)
            assert (engine.due("b/x") is None) == bool(ran)
        else:
            assert [run[-9:-4] for run in found] == ran
            assert sum(record.get("count", 0) for record in engine.last("b/x")) == missed
        assert fsck.check(store) == []
