"""Joins, gates and windows whose schedulers and workers die at every call, or whose calls are made twice.

However often that happens, each nominal of each job comes to one record: one run of a join, never two, never
none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.story import Story
from kit.walk import Looking
from kit.work import until

from jobboard.core.runs.run import Result
from jobboard.core.times.instant import parse_instant
from jobboard.store.calls.connect import Store
from jobboard.store.runs import past
from jobboard.store.runs.runs import Runs
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock

T0 = parse_instant("2026-03-02T04:00:00Z")
AT = T0 + 3_600_000
DAILY = {"cron": "0 5 * * *"}
JOBS: dict[str, dict[str, Any]] = {
    "root": {"schedule": DAILY},
    "x": {"after": ["b/root"]},
    "y": {"after": ["b/root"]},
    "join": {"after": ["b/x", "b/y"]},
    "last": {"after": ["b/join"]},
    "alarm": {"after": ["b/x", "b/join"], "on": {"b/x": "failed"}},
    "gated": {"schedule": DAILY, "needs": {"b/join": {}, "b/root": {"fresh": "all"}}},
    "then": {"after": ["b/gated"]},
    "window": {"schedule": {"cron": "0 0 * * *"}, "after": ["b/last", "b/y"]},
}


class Killed(Exception):
    """The process is gone."""


class Mortal(Store):
    """A store whose owner dies at one of its calls, or makes it twice."""

    def mortal(self, call: int, how: str) -> None:
        """Die at that call: ``before`` it reaches the server or ``after``; or make it ``twice``."""
        self.fate, self.calls = (call, how), 0

    def call(self, script: str, /, **arguments: Any) -> Any:
        """See `Store.call`."""
        self.calls += 1
        call, how = self.fate
        if self.calls == call and how == "before":
            raise Killed
        answer = super().call(script, **arguments)
        if self.calls == call and how == "twice":
            answer = super().call(script, **arguments)
        if self.calls == call and how == "after":
            raise Killed
        return answer

    def again(self, **more: Any) -> Mortal:
        return self


def _live(store: Mortal, name: str) -> None:
    """A scheduler and a worker in one: until there is nothing left to do."""
    story = Story(store)
    story.runs = Runs(store)
    story.worker(name)
    scheduler = Looking(store, name=name)
    while True:
        scheduler.look()
        runs = story.reserve(name)
        if not runs:
            return
        for run in runs:
            result = Result(run.run_id, run.token, "ok", started_ago_ms=5)
            assert story.runs.finish(name, [result]) in (["FINISHED"], ["ALREADY"])


def _play(store: Store, clock: StoreClock, call: int, how: str) -> int:
    """The whole story, with what is to happen at a call; how many calls there were."""
    clock.set(T0)
    specs = {name: {"command": {"run": "x"}, **spec} for name, spec in JOBS.items()}
    due = dict.fromkeys(("root", "gated"), AT) | {"window": T0}
    Story(store).board("b", specs, due=due)
    for name in due:
        store.client.hset(store.key("cursor"), f"b/{name}", AT - 86_400_000)
    clock.set(AT)
    with Mortal(store.url, store.namespace) as mortal:
        mortal.mortal(call, how)
        try:
            _live(mortal, "first")
        except Killed:
            # Who watches it says so, and its claims lapse.
            Runs(store).lost("first")
            clock.advance(6_000)
            mortal.mortal(0, "never")
            _live(mortal, "second")
        return mortal.calls


def _assert_each_once(store: Store) -> None:
    for name in JOBS:
        ended = [record for record in past.last_records(store, f"b/{name}") if record.state != "missed"]
        assert [record.state for record in ended] == ["skipped" if name == "alarm" else "ok"], name
        assert ended[0].count == 1
    until(lambda: fsck.check(store) == [], 5)


CALLS = 29
"""So many the story takes; see `test_every_call_is_tried`."""


def test_every_call_is_tried(store: Store, clock: StoreClock) -> None:
    calls = _play(store, clock, 0, "never")
    assert calls <= CALLS, calls
    _assert_each_once(store)


@pytest.mark.parametrize("how", ["before", "after", "twice"])
@pytest.mark.parametrize("call", range(1, CALLS + 1))
def test_one_run_for_each_nominal_whatever_dies(store: Store, clock: StoreClock, call: int, how: str) -> None:
    _play(store, clock, call, how)
    _assert_each_once(store)
