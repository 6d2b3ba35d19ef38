"""Every state of a run against every event, on a real server, held to the one table."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast, get_args

import pytest
from kit.engine import LEASE, Engine

from jobboard import errors
from jobboard.core.runs.run import TRANSITIONS, Event, Gate, GateAsk, Result, State
from jobboard.store.boards import holds
from jobboard.store.runs import past, pushes
from jobboard.store.runs.destroy import destroy
from jobboard.store.runs.reschedule import reschedule

if TYPE_CHECKING:
    from kit.clock import StoreClock

    from jobboard.core.runs.run import Word
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.runs import Reserved

NOMINAL = 1_000_000
RUN = "b/x@1970-01-01T00:16:40Z"
DELAY = 5_000


_BLOCKED: dict[Event, list[Event]] = {
    "gate opens": ["fire at a gate"],
    "gate shuts": ["fire at a gate"],
    "turn comes": ["fire in line"],
}
"""How a run comes to be blocked, by what is to happen to it then."""
_MOVES = ("put off", "bring forward", "replace", "supersede", "prune")


class Story:
    """One run, ``b/x``, and what can happen to it. It wants a lock that ``b/other`` wants too."""

    def __init__(self, store: Store, clock: StoreClock) -> None:
        self.engine = Engine(store)
        self.clock = clock
        self.mine: Reserved | None = None
        self.other: Reserved | None = None
        self.ahead: Reserved | None = None
        self._define("queue")
        self.engine.define("b/other", locks={"db": 1}, queue="side")
        self.engine.worker("w1")
        self.engine.define("b/need", queue="needs")
        self.engine.worker("w2", "side")
        self.engine.worker("w3", "needs")
        self.engine.define("b/gatekeeper", queue="gates", schedule={"every": 60_000})
        self.engine.worker("w4", "gates")
        left, still = 1, 1
        span = (NOMINAL - 1, NOMINAL, left, still)
        self.ask = GateAsk("b/gatekeeper", *span, None, True, None, None, "skip", "b/gatekeeper")  # noqa: FBT003 - strict

    def _define(self, overlap: str) -> None:
        needs: dict[str, Any] = {"b/gatekeeper": {}}
        schedule = {"every": 60_000}
        self.engine.define("b/x", locks={"db": 1}, schedule=schedule, needs=needs, overlap=overlap)

    def reach(self, state: State, event: Event) -> None:
        """Bring the run into a state, by events alone, so that an event may move it from there."""
        paths: dict[State, list[Event]] = {
            "absent": [],
            "queued": ["fire"],
            "waiting": ["fire", "reserve without lock"],
            "running": ["fire", "reserve"],
            "stopping": ["fire", "reserve", "cancel"],
            "delayed": ["fire", "reserve", "retry"],
            "blocked": _BLOCKED.get(event, ["fire", "depend"]),
            "finished": ["fire", "reserve", "failed"],
        }
        for before in paths[state]:
            self.happen(before)
        assert self.engine.state(RUN) == state

    def happen(self, event: Event) -> None:
        """Let it happen, or try to."""
        engine = self.engine
        if event == "fire":
            engine.fire("b/x", NOMINAL)
        elif event == "fire at a gate":
            engine.fire("b/x", NOMINAL, gate=Gate((), (), (self.ask,)))
        elif event == "fire in line":
            self._line_up()
        elif event == "turn comes":
            if self.ahead:
                engine.finish(self.ahead)
        elif event in _MOVES:
            self._move(event)
        elif event == "gate opens":
            self._tell("ok")
        elif event == "gate shuts":
            self._tell("failed")
            engine.runs.tick("s1")
        elif event == "reserve":
            self._reserve()
        elif event == "reserve without lock":
            engine.runs.start_run("b/other", by="ana")
            self.other = next(iter(engine.reserve("w2", "side")), None)
            self._reserve()
        elif event == "reserve under hold":
            holds.pause(engine.store, "job:b/x", by={"actor": "ana"}, reason=None, until_ms=None)
            self._reserve()
        elif event == "release":
            if self.other:
                engine.finish(self.other, "ok", "w2")
        elif event == "promote":
            self.clock.advance(DELAY)
            engine.runs.tick("s1")
        elif event == "give back":
            engine.runs.give_back("w1", [(RUN, self._token())])
        elif event == "cancel":
            engine.runs.cancel(RUN, "ana")
        elif event == "depend":
            self.needed = engine.runs.start_run("b/need", by="ana")
            with suppress(errors.JobboardError):
                pushes.depend(engine.store, RUN, add=[self.needed])
        elif event in ("need met", "need failed"):
            for needed in engine.reserve("w3", "needs"):
                engine.finish(needed, "ok" if event == "need met" else "failed", "w3")
        elif event == "expire":
            self._expire()
        elif event == "again":
            engine.store.call("retry", runs=[[RUN, False]], by="ana", reason="", mark="m", force=False)
        elif event == "destroy":
            if run := past.read_run(engine.store, RUN):
                destroy(engine.store, run, by={"actor": "ana"})
        elif event == "lost":
            engine.runs.lost("w1")
        else:
            result = Result(RUN, self._token(), cast("Word", event), delay_ms=DELAY, reason="exit 1")
            engine.runs.finish("w1", [result])

    def _move(self, event: Event) -> None:
        """What has it wait otherwise, or not at all any more."""
        store, by = self.engine.store, {"actor": "ana"}
        if event == "put off":
            reschedule(store, [RUN], by=by, delay_ms=DELAY)
        elif event == "bring forward":
            reschedule(store, [RUN], by=by, due_ms=1)
        elif event == "replace":
            parcel = pushes.Parcel("b/x", {"command": {"run": "true"}}, replace=True)
            store.call("push", parcels=[{**pushes.packed_parcel(parcel, "ana"), "id": RUN}])
        elif event == "prune":
            self.engine.remove("b/x")
            self.engine.settle("b/x", gone="stone")
        else:
            self._define("replace")
            self.engine.fire("b/x", NOMINAL + 60_000)

    def _line_up(self) -> None:
        """Fire it while another run of its job is unfinished."""
        if self.engine.state(RUN) == "absent":
            self.engine.runs.start_run("b/x", by="ana", force=True)
            self.ahead = next(iter(self.engine.reserve("w1")), None)
        self.engine.fire("b/x", NOMINAL)

    def _tell(self, verdict: Word) -> None:
        """End a run of the job that the gate asks about."""
        engine = self.engine
        engine.fire("b/gatekeeper", NOMINAL)
        for run in engine.reserve("w4", "gates"):
            engine.finish(run, verdict, "w4")

    def _expire(self) -> None:
        store = self.engine.store
        if self.engine.state(RUN) not in ("absent", "finished"):
            store.client.hset(store.key("run", RUN), "expires", "1")
            store.client.zadd(store.key("expiry"), {RUN: 1})
            self.engine.runs.tick("s1")

    def _reserve(self) -> None:
        self.mine = next(iter(self.engine.reserve("w1")), self.mine)

    def _token(self) -> int:
        return self.mine.token if self.mine else 999


@pytest.mark.parametrize("event", get_args(Event))
@pytest.mark.parametrize("state", get_args(State))
def test_a_pair_does_what_the_table_says(store: Store, clock: StoreClock, state: State, event: Event) -> None:
    story = Story(store, clock)
    story.reach(state, event)
    before = _places(story.engine)
    story.happen(event)
    expected = TRANSITIONS.get((state, event), state)
    assert story.engine.state(RUN) == expected
    if expected == state:
        assert _places(story.engine) == before


def test_every_state_is_reached_and_left_by_the_table() -> None:
    assert {after for _, after in TRANSITIONS.items()} == set(get_args(State))
    assert {state for state, _ in TRANSITIONS} == set(get_args(State))
    assert {event for _, event in TRANSITIONS} == set(get_args(Event))


def _places(engine: Engine) -> dict[str, Any]:
    """Where the run is kept: what an event without effect must not change."""
    keys = {
        "queue": ("queue", "common"),
        "delay": ("delay",),
        "wait": ("lockwait", "db"),
        "lock": ("lock", "db"),
    }
    keys |= {"held": ("holding", "w1"), "live": ("live", "b/x")}
    return {place: RUN in engine.members(*key) for place, key in keys.items()}


assert LEASE > DELAY
