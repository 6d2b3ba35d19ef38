"""A simulated day beside a real one, and the command that simulates."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kit.day import WAIT_AT_GATE, Day
from kit.project import Project
from kit.story import Story
from kit.work import working

from jobboard.cli.simulate_text import span_text
from jobboard.core.jobs.model import effective
from jobboard.core.jobs.override import outlook
from jobboard.core.simulation.simulate import Downtime, Pause, Scenario, simulate
from jobboard.core.times.instant import format_instant, parse_instant
from jobboard.core.times.schedule import compile_schedule
from jobboard.reconcile.overriding import set_overrides
from jobboard.store.calls.wire import pack
from jobboard.store.views import fsck
from jobboard.store.views.usual import dues, live_definitions

if TYPE_CHECKING:
    from pathlib import Path

    from kit.clock import StoreClock

    from jobboard.core.simulation.simulate import Simulation
    from jobboard.store.calls.connect import Store

S = 1_000
MINUTE = 60 * S
HOUR = 60 * MINUTE
T0 = parse_instant("2026-03-28T00:00:00Z")
END = T0 + 24 * HOUR


def spec(gates: Path, **more: Any) -> dict[str, Any]:
    if "schedule" in more:
        more["schedule"] = {**more["schedule"], "stop": END}
    return {"command": {"run": WAIT_AT_GATE}, "env": {"GATES": str(gates)}, **more}


def live_through(
    store: Store, clock: StoreClock, gates: Path, jobs: dict[str, dict[str, Any]], scenario: Scenario
) -> tuple[Day, Simulation]:
    """A day of a board for real, and the same in virtual time."""
    define(store, clock, jobs)
    return live_on(store, clock, gates, scenario)


def define(store: Store, clock: StoreClock, jobs: dict[str, dict[str, Any]]) -> None:
    """Have a board of them, due from the first instant of the day on."""
    due: dict[str, int] = {}
    for name, one in jobs.items():
        if "delay" in one.get("schedule", {}):
            due[name] = one["schedule"].get("start", T0)
        elif "schedule" in one and one.get("enabled", True):
            schedule = compile_schedule(one["schedule"], f"b/{name}")
            due[name] = schedule.due(schedule.next_after(T0 - 1) or END)
    clock.set(T0 - HOUR)
    Story(store).board("b", jobs, due=due)


def live_on(store: Store, clock: StoreClock, gates: Path, scenario: Scenario) -> tuple[Day, Simulation]:
    """A day of what is in the store, for real and in virtual time."""
    now, later = outlook(live_definitions(store), T0)
    paced = [address for address, one in now.items() if "delay" in one.get("schedule", {})]
    scenario = replace(scenario, dues=dues(store, paced))
    assert scenario.slots is not None
    queues = sorted({effective(one, "queue") for one in now.values()})
    with working(store, gates.parent / "home", slots=scenario.slots, queues=queues):
        day = Day(store, clock, gates, scenario)
        day.play()
    return day, simulate(now, scenario, later)


def outcomes_of(simulation: Simulation) -> list[tuple[str, int, str]]:
    """Job, nominal and state of everything that was decided and is over."""
    ran = [(run.address, run.nominal_ms, run.state) for run in simulation.runs if run.state != "unfinished"]
    return sorted([*ran, *((one.address, one.nominal_ms, one.state) for one in simulation.passed)])


@pytest.fixture
def gates(tmp_path: Path) -> Path:
    made = tmp_path / "gates"
    made.mkdir()
    return made


def small_board(gates: Path) -> dict[str, dict[str, Any]]:
    once_more = {"max": 1, "delay": 3 * MINUTE, "backoff": "constant"}
    jobs: dict[str, dict[str, Any]] = {
        "poll": {"schedule": {"every": 90 * MINUTE, "phase": 0}},
        "pile": {"schedule": {"every": 4 * HOUR, "phase": 0}, "overlap": "allow", "priority": -1},
        "extract": {"schedule": {"cron": "30 6 * * *", "timezone": "Europe/Madrid"}},
        "transform": {"after": ["b/extract"], "locks": {"disk": 1, "warehouse": 1}},
        "load": {"after": ["b/transform"], "locks": {"warehouse": 1}},
        "report": {"schedule": {"cron": "2 */3 * * *"}, "locks": {"warehouse": 1}, "priority": 5},
        "sweep": {"schedule": {"cron": "5 5,13 * * *", "jitter": 4 * MINUTE}, "locks": {"disk": 1}},
        "flaky": {"schedule": {"cron": "17 4,16 * * *"}, "retries": once_more},
        "busy": {"schedule": {"cron": "40 9 * * *"}, "defer": {"delay": 7 * MINUTE}},
        "bad": {"schedule": {"every": 8 * HOUR, "phase": HOUR}, "retries": once_more},
        "bad-child": {"after": ["b/bad"]},
        "alarm": {"after": ["b/bad"], "on": {"b/bad": "failed"}},
        "check": {"after": ["b/extract"]},
        "publish": {"after": ["b/check", "b/load"]},
        "page": {"after": ["b/alarm", "b/bad-child"], "on": {"b/bad-child": "finished"}},
        "no-catchup": {"schedule": {"cron": "30 * * * *"}, "catchup": "none"},
        "off": {"schedule": {"every": HOUR, "phase": 0}, "enabled": False},
        "twice": {"schedule": {"every": 5 * HOUR, "phase": 0, "runs": 2}},
    }
    return {name: spec(gates, **more) for name, more in jobs.items()}


@pytest.mark.parametrize(("slots", "causes"), [(1, {"slot"}), (3, {"slot", "lock"}), (9, {"lock"})])
def test_a_simulated_day_is_a_real_one_run_for_run(
    store: Store, clock: StoreClock, gates: Path, slots: int, causes: set[str]
) -> None:
    jobs = small_board(gates)
    # Odd seconds, so that nothing ends at the instant at which something else is due; and no delay is over
    # while no scheduler runs, since the first one to come back promotes and fires one after the other.
    scenario = Scenario(
        T0,
        END,
        slots=slots,
        durations={
            "b/poll": 130 * MINUTE + 13 * S,
            "b/pile": 5 * HOUR + 7 * S,
            "b/report": 47 * MINUTE + 3 * S,
            "b/sweep": 45 * MINUTE + 17 * S,
        },
        default_ms=11 * MINUTE + 11 * S,
        exits={"b/flaky": [1, 0], "b/bad": [3], "b/busy": [75, 0]},
        downtimes=[Downtime(T0 + 17 * HOUR + 31 * MINUTE, T0 + 20 * HOUR + 10 * MINUTE)],
    )
    day, simulation = live_through(store, clock, gates, jobs, scenario)
    simulated = outcomes_of(simulation)
    assert day.outcomes() == simulated
    assert {state for _, _, state in simulated} == {"ok", "failed", "skipped", "missed"}

    # Tries were handed out in the order in which they began in virtual time.
    begins = {run.run_id: [begin for begin, _ in run.spans] for run in simulation.runs}
    order = [begins[run_id].pop(0) for run_id in day.starts()]
    assert order == sorted(order)
    assert not any(begins.values())
    assert {wait.cause for run in simulation.runs for wait in run.waits} == causes
    assert fsck.check(store) == []


def test_a_day_of_delays_is_a_real_one(store: Store, clock: StoreClock, gates: Path) -> None:
    once_more = {"max": 1, "delay": 3 * MINUTE, "backoff": "constant"}
    more: dict[str, dict[str, Any]] = {
        # Odd seconds: nothing is due at the very instant at which something else ends.
        "calm": {"schedule": {"delay": 50 * MINUTE + 13 * S}},
        "child": {"after": ["b/calm"]},
        "bad": {"schedule": {"delay": 90 * MINUTE + 29 * S, "start": T0 + HOUR}, "retries": once_more},
        "wary": {"schedule": {"delay": 40 * MINUTE + 37 * S}, "catchup": "none"},
        "twice": {"schedule": {"delay": 5 * HOUR + 41 * S, "runs": 2}},
        "shy": {"schedule": {"delay": 70 * MINUTE + 43 * S}, "locks": {"disk": 1}},
        "rival": {"schedule": {"delay": 70 * MINUTE + 47 * S}, "locks": {"disk": 1}},
    }
    jobs = {name: spec(gates, **one) for name, one in more.items()}
    scenario = Scenario(
        T0,
        END,
        slots=4,
        durations={"b/shy": 33 * MINUTE + 3 * S, "b/rival": 41 * MINUTE + 19 * S},
        default_ms=11 * MINUTE + 11 * S,
        exits={"b/bad": [3]},
        downtimes=[Downtime(T0 + 9 * HOUR + 31 * MINUTE, T0 + 13 * HOUR + 10 * MINUTE)],
    )
    day, simulation = live_through(store, clock, gates, jobs, scenario)
    simulated = outcomes_of(simulation)
    # The clock goes on while commands end, so that each delay begins a little later than the one before.
    pairs = list(zip(day.outcomes(), simulated, strict=True))
    assert all((real[0], real[2]) == (virtual[0], virtual[2]) for real, virtual in pairs)
    assert all(0 <= real[1] - virtual[1] < MINUTE for real, virtual in pairs)
    assert {state for _, _, state in simulated} == {"ok", "failed", "missed"}
    assert fsck.check(store) == []


def test_a_day_of_deadlines_is_a_real_one(store: Store, clock: StoreClock, gates: Path) -> None:
    two_hours = {"every": 2 * HOUR, "phase": 0}
    once_more = {"max": 1, "delay": 20 * MINUTE, "backoff": "constant"}
    more: dict[str, dict[str, Any]] = {
        "long": {"schedule": two_hours, "locks": {"disk": 1}, "priority": 9},
        "brisk": {"schedule": two_hours, "locks": {"disk": 1}, "start_within": 17 * MINUTE},
        "patient": {"schedule": two_hours, "locks": {"disk": 1}, "finish_by": 73 * MINUTE},
        "strict": {
            "schedule": {"every": 3 * HOUR, "phase": 7 * MINUTE},
            "finish_by": 9 * MINUTE + 5 * S,
            "on_late": "cancel",
        },
        "parked": {
            "schedule": two_hours,
            "locks": {"disk": 1},
            "finish_by": 10 * MINUTE,
            "on_late": "cancel",
        },
        "after-brisk": {"after": ["b/brisk"]},
        "after-parked": {"after": ["b/parked"], "on": {"b/parked": "finished"}, "start_within": MINUTE},
        "flaky": {
            "schedule": {"every": 4 * HOUR, "phase": 31 * MINUTE},
            "retries": once_more,
            "finish_by": 25 * MINUTE,
            "on_late": "cancel",
        },
        "again": {"schedule": {"delay": 50 * MINUTE + 13 * S}, "finish_by": 8 * MINUTE, "on_late": "cancel"},
        "old": {"schedule": {"every": HOUR, "phase": 0}, "start_within": 5 * MINUTE, "catchup": "all"},
    }
    jobs = {name: spec(gates, **one) for name, one in more.items()}
    scenario = Scenario(
        T0,
        END,
        slots=20,
        durations={"b/long": 51 * MINUTE + 3 * S},
        default_ms=11 * MINUTE + 11 * S,
        exits={"b/flaky": [3]},
        downtimes=[Downtime(T0 + 9 * HOUR + 31 * MINUTE, T0 + 13 * HOUR + 10 * MINUTE)],
    )
    day, simulation = live_through(store, clock, gates, jobs, scenario)
    simulated = outcomes_of(simulation)
    # Instants that a delay makes are later by how long commands take to end.
    assert [(a, n // MINUTE, s) for a, n, s in day.outcomes()] == [
        (a, n // MINUTE, s) for a, n, s in simulated
    ]
    assert {state for _, _, state in simulated} == {"ok", "cancelled", "missed", "skipped"}
    assert {run.address for run in simulation.runs if run.is_late} == {
        "b/again",
        "b/flaky",
        "b/parked",
        "b/patient",
        "b/strict",
    }
    assert fsck.check(store) == []


def test_a_day_of_holds_and_of_overrides_that_end_is_a_real_one(
    store: Store, clock: StoreClock, gates: Path
) -> None:
    once_more = {"max": 1, "delay": 20 * MINUTE, "backoff": "constant"}
    hourly = {"every": HOUR, "phase": 0}
    more: dict[str, dict[str, Any]] = {
        "flaky": {"schedule": {"every": 90 * MINUTE, "phase": 0}, "retries": once_more, "tags": ["night"]},
        "after-flaky": {"after": ["b/flaky"], "on": {"b/flaky": "finished"}},
        "slow": {"schedule": hourly, "queue": "reports", "overlap": "queue"},
        "often": {"schedule": hourly},
        "quiet": {"schedule": {"every": HOUR, "phase": MINUTE}, "locks": {"disk": 1}},
        "off": {"schedule": {"every": 2 * HOUR, "phase": 7 * MINUTE}},
        "after-off": {"after": ["b/off"]},
        "calm": {"schedule": {"delay": 50 * MINUTE + 13 * S}},
        "unseen": {"schedule": {"every": 40 * MINUTE, "phase": 0}, "catchup": "all"},
        "after-unseen": {"after": ["b/unseen"]},
    }
    jobs = {name: spec(gates, **one) for name, one in more.items()}
    scenario = Scenario(
        T0,
        END,
        slots=20,
        durations={
            "b/slow": 25 * MINUTE + 3 * S,
            "b/quiet": 21 * MINUTE + 7 * S,
            "b/after-unseen": 5 * MINUTE + 9 * S,
        },
        default_ms=11 * MINUTE + 11 * S,
        exits={"b/flaky": [3, 0]},
        downtimes=[Downtime(T0 + 11 * HOUR + 31 * MINUTE, T0 + 14 * HOUR + 10 * MINUTE)],
        pauses=[
            Pause("tag:night", T0 + 95 * MINUTE, T0 + 100 * MINUTE),
            Pause("tag:night", T0 + 3 * HOUR + 25 * MINUTE, T0 + 5 * HOUR + 17 * MINUTE),
            Pause("queue:reports", T0 + 7 * HOUR - MINUTE, T0 + 9 * HOUR + 41 * MINUTE),
        ],
    )
    stop = format_instant(END)
    overrides: list[tuple[str, dict[str, Any], int]] = [
        ("b/often", {"every": "20m", "phase": "0", "stop": stop}, T0 + 6 * HOUR),
        ("b/quiet", {"finish_by": "9m", "on_late": "cancel", "locks": None}, T0 + 4 * HOUR + 5 * MINUTE),
        ("b/off", {"enabled": False}, T0 + 8 * HOUR),
        ("b/calm", {"delay": "3h", "stop": stop}, T0 + 10 * HOUR + 5 * MINUTE),
        ("b/unseen", {"every": "15m", "phase": "0", "stop": stop}, T0 + 13 * HOUR),
    ]

    define(store, clock, jobs)
    clock.set(T0 - MINUTE)
    by_scope: dict[str, list[dict[str, Any]]] = {}
    for pause in scenario.pauses:
        hold = {"by": "ana", "at": pause.from_ms, "until": pause.until_ms, "reason": ""}
        by_scope.setdefault(pause.scope, []).append(hold)
    for scope, holds in by_scope.items():
        store.client.hset(store.key("holds"), scope, pack(holds))
    by = {"actor": "ana", "via": "test"}
    for address, keys, until_ms in overrides:
        set_overrides(store, address, keys, reason="a test", until_ms=until_ms, by=by)

    day, simulation = live_on(store, clock, gates, scenario)
    simulated = outcomes_of(simulation)
    # Instants that a delay makes are later by how long commands take to end.
    assert [(a, n // MINUTE, s) for a, n, s in day.outcomes()] == [
        (a, n // MINUTE, s) for a, n, s in simulated
    ]
    assert {state for _, _, state in simulated} == {"ok", "cancelled", "held", "missed", "skipped"}
    assert {wait.cause for run in simulation.runs for wait in run.waits} == {"hold", "turn"}
    assert fsck.check(store) == []


OVERLAPS: dict[str, Any] = {
    "skip": "skip",
    "latest": "queue_latest",
    "queue": "queue",
    "allow": "allow",
    "two": {"allow": 2},
    "replace": "replace",
}


@pytest.mark.parametrize("catchup", ["last", "none", "all"])
def test_every_overlap_and_catch_up_does_for_real_what_is_simulated(
    store: Store, clock: StoreClock, gates: Path, catchup: str
) -> None:
    jobs = {
        name: spec(gates, schedule={"every": 80 * MINUTE, "phase": 0}, overlap=rule, catchup=catchup)
        for name, rule in OVERLAPS.items()
    }
    jobs |= {f"{name}-child": spec(gates, after=[f"b/{name}"], overlap=OVERLAPS[name]) for name in jobs}
    jobs["grand"] = spec(gates, after=["b/latest-child"])
    jobs["wary"] = spec(
        gates, schedule={"every": HOUR, "phase": 0}, catchup=catchup, catchup_window=2 * HOUR, late_after=HOUR
    )
    scenario = Scenario(
        T0,
        END,
        slots=40,
        durations={
            **{f"b/{name}": 170 * MINUTE + (7 + 2 * i) * S for i, name in enumerate(OVERLAPS)},
            **{f"b/{name}-child": 90 * MINUTE + (23 + 2 * i) * S for i, name in enumerate(OVERLAPS)},
        },
        default_ms=11 * MINUTE + 11 * S,
        downtimes=[Downtime(T0 + 9 * HOUR + 31 * MINUTE, T0 + 16 * HOUR + 10 * MINUTE)],
    )
    day, simulation = live_through(store, clock, gates, jobs, scenario)
    simulated = outcomes_of(simulation)
    assert day.outcomes() == simulated
    assert {state for _, _, state in simulated} >= {"ok", "cancelled", "skipped", "missed"}
    assert fsck.check(store) == []


def tied_board(gates: Path) -> dict[str, dict[str, Any]]:
    """A diamond, gates of every kind, windows, edges for failures; what they ask for lies within the day."""
    late = {"start": T0 + 7 * HOUR}
    jobs: dict[str, dict[str, Any]] = {
        "extract": {"schedule": {"every": 3 * HOUR, "phase": 0}},
        "sales": {"after": ["b/extract"]},
        "stock": {"after": ["b/extract"], "overlap": "allow"},
        "merge": {"after": ["b/sales", "b/stock"]},
        "bad": {"schedule": {"every": 2 * HOUR, "phase": 0}},
        "alarm": {"after": ["b/bad"], "on": {"b/bad": "failed"}},
        "calm": {"after": ["b/bad", "b/poll"], "on": {"b/bad": "finished"}},
        "poll": {"schedule": {"every": 2 * HOUR, "phase": 0}, "overlap": "allow"},
        "report": {
            "schedule": {"cron": "30 */6 * * *", **late},
            "needs": {"b/merge": {"fresh": "all"}},
        },
        "glance": {
            "schedule": {"cron": "5 */6 * * *", **late},
            "needs": {"b/merge": {"fresh": "any"}, "b/poll": {}},
        },
        "patient": {
            "schedule": {"cron": "20 8-22/2 * * *", **late},
            "needs": {"b/bad": {"timeout": 17 * MINUTE, "on_timeout": "run"}},
        },
        "strict": {
            "schedule": {"cron": "10 8-22/2 * * *", **late},
            "needs": {"b/alarm": {"on_timeout": "fail"}, "b/bad": {"on": "failed"}},
        },
        "behind": {
            "schedule": {"cron": "10 8-22/2 * * *", **late},
            "needs": {"b/poll": {}, "b/bad": {"on": "finished"}},
            "catchup": "all",
            "overlap": "queue",
        },
        "hopeful": {"schedule": {"cron": "40 8-22/2 * * *", **late}, "needs": {"b/bad": {}}},
        "then": {"after": ["b/strict"], "on": {"b/strict": "finished"}},
        "six": {"after": ["b/merge", "b/poll"], "schedule": {"cron": "0 */6 * * *"}},
        "woe": {"after": ["b/bad"], "schedule": {"cron": "0 */6 * * *"}},
    }
    return {name: spec(gates, **more) for name, more in jobs.items()}


def test_a_day_of_jobs_that_wait_for_each_other_is_a_real_one(
    store: Store, clock: StoreClock, gates: Path
) -> None:
    jobs = tied_board(gates)
    scenario = Scenario(
        T0,
        END,
        slots=40,
        durations={
            "b/extract": 9 * MINUTE + 7 * S,
            "b/stock": 4 * HOUR + 13 * S,
            "b/sales": 17 * MINUTE + 3 * S,
            "b/poll": 31 * MINUTE + 5 * S,
            "b/bad": 12 * MINUTE + 11 * S,
        },
        default_ms=5 * MINUTE + 17 * S,
        exits={"b/bad": [3]},
        downtimes=[Downtime(T0 + 13 * HOUR + 31 * MINUTE, T0 + 17 * HOUR + 2 * MINUTE)],
    )
    day, simulation = live_through(store, clock, gates, jobs, scenario)
    simulated = outcomes_of(simulation)
    waiting = [run.address for run in simulation.runs if run.state == "unfinished"]
    assert day.outcomes() == simulated
    assert waiting == ["b/hopeful"]
    ran = {address for address, _, state in simulated if state == "ok"}
    assert ran >= {"b/merge", "b/alarm", "b/report", "b/glance", "b/patient", "b/strict", "b/then", "b/six"}
    assert fsck.check(store) == []


@pytest.fixture
def project(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    return Project(tmp_path, store, monkeypatch, capsys)


LOCKED = """
first: {run: x, cron: "0 2 * * *", locks: db}
second: {run: x, cron: "1 2 * * *", locks: db}
poll: {run: x, every: 10m, phase: 0}
"""
FROM = ("--from", "2026-03-28")


def test_files_are_simulated_and_told(project: Project) -> None:
    project.board("ops", LOCKED)
    words = ("--durations", "first=30m", "--durations", "poll=15m", "--slots", "3")
    told = project.ok("simulate", *FROM, *words).out
    assert told.splitlines()[:3] == [
        "24h from Sat 28 Mar 00:00 UTC, 3 jobs",
        "slots 3 · durations 2 given, 1 taken to be 1m",
        "74 runs, 72 skipped, waited 29m in all.",
    ]
    assert "ops/second   29m for lock db, held by ops/first, Sat 28 Mar 02:01 UTC" in told
    assert "ops/poll   skipped 72 times: still running, Sat 28 Mar 00:10 UTC to 23:50" in told
    assert max(map(len, told.splitlines())) <= 80


def test_the_same_for_programs(project: Project) -> None:
    project.board("ops", LOCKED)
    said = project.ok("simulate", *FROM, "--durations", "first=30m", "-o", "json").json
    assert (said["from"], said["until"]) == ("2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z")
    assert (said["runs"], said["skipped"], said["waited_ms"]) == (146, 0, 29 * MINUTE)
    (wait,) = said["waits"]
    assert (wait["job"], wait["cause"], wait["held_by"]) == ("ops/second", "lock", "ops/first")
    assert len(said["hours"]) == 24
    assert said["circumstances"]["durations_given"] == 1


def test_what_was_to_be_skipped_is_skipped_in_what_is_live(project: Project, clock: StoreClock) -> None:
    project.board("ops", 'a: {run: x, cron: "0 * * * *"}\nb: {run: x, after: a}')
    clock.set(T0)
    project.sync()
    project.ok("skip-next", "ops/a", "--count", "2")
    said = project.ok("simulate", "--live", "-o", "json").json
    assert {job["job"]: (job["runs"], job["skipped"]) for job in said["jobs"]} == {
        "ops/a": (21, 2),
        "ops/b": (21, 2),
    }


def test_deadlines_that_are_missed_are_told(project: Project) -> None:
    late = 'slow: {run: x, cron: "0 */8 * * *", finish_by: 1h}\n'
    cut = 'cut: {run: x, cron: "0 5 * * *", finish_by: 10m, on_late: cancel}\n'
    project.board("ops", late + cut + 'fine: {run: x, cron: "0 1 * * *", finish_by: 10m}')
    words = ["simulate", *FROM, "--durations", "slow=90m", "--durations", "cut=1h"]
    told = project.ok(*words).out
    assert "5 runs, 4 late, no waits." in told
    assert "Deadline misses, the most first" in told
    assert "  ops/slow   3 times, up to 30m late, Sat 28 Mar 00:00 UTC" in told
    assert "  ops/cut   once, Sat 28 Mar 05:00 UTC" in told
    said = project.ok(*words, "-o", "json").json
    assert (said["late"], {job["job"]: job["late"] for job in said["jobs"]}) == (
        4,
        {"ops/cut": 1, "ops/fine": 0, "ops/slow": 3},
    )
    assert said["deadline_misses"][0] == {
        "job": "ops/slow",
        "count": 3,
        "longest_over_ms": 30 * MINUTE,
        "longest_nominal": "2026-03-28T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("span_ms", "told"), [(0, "0s"), (9_999, "9s999ms"), (10_400, "10s"), (820_944, "13m41s"), (HOUR, "1h")]
)
def test_long_spans_are_told_to_the_second(span_ms: int, told: str) -> None:
    assert span_text(span_ms) == told


def test_jobs_that_fall_silent_are_told(project: Project) -> None:
    project.board("ops", 'rare: {run: x, cron: "0 */8 * * *", expected_every: 6h}')
    told = project.ok("simulate", *FROM).out
    assert "  ops/rare   3 times, up to 2h overdue, from Sat 28 Mar 06:01 UTC" in told
    (said,) = project.ok("simulate", *FROM, "-o", "json").json["overdue"]
    assert (said["job"], said["count"]) == ("ops/rare", 3)


def test_what_does_not_begin_is_told_with_what_it_waits_for(project: Project) -> None:
    far = "far: {run: x, every: 30m, phase: 0, queue: far}\n"
    project.board(
        "ops", far + "daily: {run: x, after: far, window: day}\nnear: {run: x, every: 1h, phase: 0}"
    )
    words = ["simulate", *FROM, "--hours", "1", "--queue", "far=0"]
    told = project.ok(*words).out
    assert "2 runs, 1 not begun, 1 skipped" in told
    listed = told[told.index("Not begun by the end") :].splitlines()[1]
    assert listed == "  ops/far   waits for the slots of queue far, since Sat 28 Mar 00:00 UTC"
    (one,) = project.ok(*words, "-o", "json").json["not_begun"]
    assert one == {
        "job": "ops/far",
        "reason": "waits for the slots of queue far",
        "count": 1,
        "since": "2026-03-28T00:00:00Z",
    }


def test_long_simulations_are_told_by_day(project: Project) -> None:
    project.board("ops", LOCKED)
    told = project.ok("simulate", *FROM, "--hours", "72", "--timezone", "Europe/Madrid").out
    rows = [line for line in told.splitlines() if "█" in line]
    assert [row[:16] for row in rows] == ["Sat 28 Mar 00:00", "Sun 29 Mar 00:00", "Mon 30 Mar 01:00"]


def test_what_is_live_is_simulated_with_its_holds_and_recorded_durations(
    project: Project, clock: StoreClock
) -> None:
    project.board("ops", LOCKED)
    clock.set(T0)
    project.sync()
    project.ok("pause", "ops/second")
    story = Story(project.store)
    for minutes in (10, 40, 50):
        story.ran("ops/first", started_ago_ms=minutes * MINUTE)
    story.ran("ops/poll", "failed", started_ago_ms=HOUR)
    said = project.ok("simulate", "--live", "--recorded", "-o", "json").json
    assert said["from"].startswith("2026-03-28T00:00:00.")
    assert said["held"] == 1
    circumstances = said["circumstances"]
    assert circumstances["durations_ms"] == {"ops/first": 40 * MINUTE}
    assert (circumstances["durations_recorded"], circumstances["durations_assumed"]) == (1, 2)
    told = project.ok("simulate", "--recorded").out
    assert "durations 1 recorded, 2 taken to be 1m" in told
    assert "ops/second   held: paused" in project.ok("simulate", "--live").out


def test_what_is_live_goes_on_from_where_it_is(project: Project, clock: StoreClock) -> None:
    project.board("ops", "slow: {run: x, every: 1h, phase: 0}\nafter-slow: {run: x, after: slow}")
    clock.set(T0 - 10 * MINUTE)
    project.sync()
    clock.set(T0 + 30 * MINUTE)
    story = Story(project.store)
    story.fire("ops/slow", T0)
    story.worker()
    story.reserve()
    project.ok(
        "override", "set", "ops/slow", "every=10m", "phase=0", "--for", "1h", "--reason", "a busy morning"
    )
    words = ("simulate", "--live", "--hours", "3", "--durations", "slow=45m", "--durations", "1m")
    said = project.ok(*words, "-o", "json").json
    assert said["circumstances"]["runs_under_way"] == 1
    # It is in the way up to 75 minutes past, the run of 80 past is up to 125; from 90 on only hours count.
    # The override counts from when it was set, half an hour past.
    assert {job["job"]: (job["runs"], job["skipped"]) for job in said["jobs"]} == {
        "ops/after-slow": (3, 6),
        "ops/slow": (3, 6),
    }
    told = project.ok(*words).out
    slots = "slots 1 worker with 4 slots, as they are now"
    assert told.splitlines()[:2] == [
        "3h from Sat 28 Mar 00:30 UTC, 2 jobs",
        f"{slots} · durations 1 given, 1 taken to be 1m · 1 run under way",
    ]
    hours = [line[:16] for line in told.splitlines() if "█" in line]
    assert hours == ["Sat 28 Mar 00:30", "Sat 28 Mar 01:30", "Sat 28 Mar 02:30"]


def test_what_shapes_the_live_simulation_is_said(project: Project, clock: StoreClock) -> None:
    project.board(
        "ops", LOCKED + "far: {run: x, every: 1h, queue: far}\npy: {run: x, every: 1h, queue: '@web'}"
    )
    clock.set(T0)
    project.sync()
    project.ok("queues", "set", "common", "--limit", "2", "--rate", "30/1m")
    words = ("simulate", "--live", "--hours", "3")
    told = project.ok(*words).out
    assert "slots no limit" in told
    assert "queues common 2 at once, 30 in 1m" in told
    assert "No worker is alive, so slots are taken to have no limit." in told
    assert "No scheduler is alive; it is taken that one comes now." in told
    story = Story(project.store)
    story.scheduler()
    story.worker("w1", slots=3)
    story.worker("w2", ["common", "@web"], slots=2)
    told = project.ok(*words).out
    assert "slots 2 workers with 5 slots, as they are now" in told
    assert "No worker serves far: what comes there does not start." in told
    assert "is alive" not in told
    circumstances = project.ok(*words, "-o", "json").json["circumstances"]
    assert [(crew["workers"], crew["slots"]) for crew in circumstances["workers"]] == [
        (["w1"], 3),
        (["w2"], 2),
    ]
    assert circumstances["queue_rules"] == {
        "common": {"limit": 2, "rate": 30, "span_ms": MINUTE, "aging_ms": None}
    }
    assert circumstances["unserved_queues"] == ["far"]
    # Slots that are given count in place of those.
    assert "slots 7 ·" in project.ok(*words, "--slots", "7").out
    told = project.ok("plan", "--simulate").out
    assert "slots 2 workers with 5 slots, as they are now" in told


def test_runs_that_are_used_up_are_not_simulated_again(project: Project, clock: StoreClock) -> None:
    clock.set(T0)
    project.board("ops", "few: {run: x, every: 1h, phase: 0, runs: 2}")
    project.sync()
    project.store.client.hset(project.store.key("used"), "ops/few", 1)
    assert project.ok("simulate", "--live", "-o", "json").json["runs"] == 1
    assert project.ok("simulate", "-o", "json", *FROM).json["runs"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hours", "0"], "--hours takes a number of hours up to 8,784, not '0'"),
        (["--timezone", "Mars/X"], "--timezone takes a time zone like Europe/Madrid, not 'Mars/X'"),
        (["--slots", "-1"], "--slots takes a whole number from 0 on, not '-1'"),
        (["--durations", "frist=3m"], "there is no job frist"),
        (["--durations", "3"], "3 of what?"),
        (["--exits", "first=300"], "names no exit codes"),
        (["--queue", "slow=1"], "no job is in queue 'slow'"),
        (["--queue", "slow"], "says no number of slots"),
        (["--from", "soon"], "--from: 'soon' is no instant"),
        (["--downtime", "2026-03-28"], "is no span of time"),
        (["--downtime", "2026-03-28 02:00/2026-04-28 02:00"], "does not lie within"),
        (["--live", "boards"], "--live simulates what is in Redis"),
    ],
)
def test_what_makes_no_sense_is_refused(project: Project, words: list[str], said: str) -> None:
    project.board("ops", LOCKED)
    outcome = project.run("simulate", *FROM, *words)
    assert outcome.code == 64
    assert said in outcome.err


def test_more_than_can_be_simulated_is_refused_at_once(project: Project) -> None:
    project.board("ops", "tick: {run: x, every: 1ms}")
    outcome = project.run("simulate", *FROM)
    assert outcome.code == 64
    assert "86,400,000 runs" in outcome.err


def test_invalid_boards_are_told_with_their_places(project: Project) -> None:
    project.board("ops", "a: {run: x, every: often}")
    outcome = project.run("simulate")
    assert outcome.code == 65
    assert "boards/ops.yaml:3:" in outcome.err


def test_a_plan_is_simulated_beside_what_is_there(project: Project, clock: StoreClock) -> None:
    clock.set(T0)
    project.board("ops", LOCKED)
    project.sync()
    project.board("ops", LOCKED.replace("1 2 * * *", "0 2 * * *").replace("every: 10m", "every: 1h"))
    told = project.ok("plan", "--simulate", "--durations", "20m").out
    assert "Simulated: 24h from Sat 28 Mar 00:00 UTC" in told
    assert told.index("Plan:") < told.index("Simulated:")
    runs = next(line.split() for line in told.splitlines() if line.startswith("runs"))
    assert runs == ["runs", "50", "25"]
    assert "New or longer waits" in told
    said = json.loads(project.ok("plan", "--simulate", "-o", "json", "--durations", "20m").out)
    assert [said["simulation"][side]["runs"] for side in ("before", "after")] == [50, 25]


def test_a_plan_that_changes_nothing_can_be_simulated_too(project: Project, clock: StoreClock) -> None:
    clock.set(T0)
    project.board("ops", LOCKED)
    project.sync()
    told = project.ok("plan", "--simulate").out
    assert "No changes." in told
    assert "New or longer waits" not in told
