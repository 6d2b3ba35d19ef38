"""The stream of events, where one call brings about many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import T0, Engine

from jobboard.core.runs.run import Result
from jobboard.store.runs import events

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.events import Event

MANY = 40


@pytest.fixture
def told(store: Store) -> list[Event]:
    """What is told of runs that were reserved in one call and ended in one, each for a reason of its own."""
    engine = Engine.at_work(store)
    for n in range(MANY):
        engine.define(f"b/j{n}")
        engine.fired(f"b/j{n}", T0)
    reserved = engine.reserve(limit=MANY)
    engine.runs.finish(
        "w1", [Result(r.run_id, r.token, "failed", reason=f"no {r.address}\udcff") for r in reserved]
    )
    return list(events.later_events(store, "0"))


def test_each_is_told_of_in_its_turn(told: list[Event]) -> None:
    for kind in ("fired", "reserved", "finished"):
        assert [event["job"] for event in told if event["e"] == kind] == [f"b/j{n}" for n in range(MANY)]
    assert all(event["run"].startswith(event["job"] + "@") for event in told if event["run"])
    assert [e["reason"] for e in told if e["e"] == "finished"] == [f"no b/j{n}\udcff" for n in range(MANY)]
    assert {e["attempt"] for e in told if e["e"] == "reserved"} == {"1"}


def test_they_are_few_entries_of_the_stream(store: Store, told: list[Event]) -> None:
    entries: Any = store.client.xrange(store.key("events"))
    together = [len(events.events_of(*entry)) for entry in entries]
    assert sum(together) == len(told)
    assert max(together) == 16
    assert len(together) < MANY + 16


def test_each_has_an_id_to_go_on_behind(store: Store, told: list[Event]) -> None:
    places = [events.place_of(event["id"]) for event in told]
    assert places == sorted(set(places))
    for n, event in enumerate(told, 1):
        assert list(events.later_events(store, event["id"])) == told[n:]
        assert events.read_events(store, event["id"], block_ms=1) == told[n:]
    assert events.latest_id(store) == told[-1]["id"]
    assert events.first_id(store) == told[0]["id"]


@pytest.mark.parametrize("limit", [1, 7, 40, 1000])
def test_the_last_are_the_last(store: Store, told: list[Event], limit: int) -> None:
    assert events.last_events(store, bool, limit) == told[-limit:]
