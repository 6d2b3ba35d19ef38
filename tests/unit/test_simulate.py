"""The run path in virtual time: every policy alone, then invariants over random boards."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobboard.core.jobs.gate import Ask, Need, Span
from jobboard.core.runs.record import Record
from jobboard.core.simulation.load import levels_of, load_of
from jobboard.core.simulation.simulate import (
    Downtime,
    Pause,
    Scenario,
    Simulation,
    VirtualRun,
    expected_fires,
    simulate,
)
from jobboard.core.simulation.standing import Begun, Crew, QueueRule, Standing
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.schedule import compile_schedule

S = 1_000
MINUTE = 60 * S
HOUR = 60 * MINUTE
if TYPE_CHECKING:
    from collections.abc import Mapping

T0 = parse_instant("2026-03-28T00:00:00Z")

Jobs = dict[str, dict[str, Any]]


def job(every: int | None = None, **more: Any) -> dict[str, Any]:
    timed = {} if every is None else {"schedule": {"every": every, "phase": 0}}
    return {"command": {"run": "x"}, **timed, **more}


def once(*minutes: int, **more: Any) -> dict[str, Any]:
    return {"command": {"run": "x"}, "schedule": {"at": [T0 + m * MINUTE for m in minutes]}, **more}


def play(jobs: Jobs, hours: float = 1, **more: Any) -> Simulation:
    return simulate(jobs, Scenario(T0, T0 + int(hours * HOUR), **more))


def starts(simulation: Simulation, address: str) -> list[int]:
    """Minutes from the beginning at which its tries began."""
    return [
        (begin - T0) // MINUTE for run in simulation.runs if run.address == address for begin, _ in run.spans
    ]


def passed(simulation: Simulation, address: str) -> list[tuple[str, int, str]]:
    return [
        (p.state, (p.nominal_ms - T0) // MINUTE, p.reason) for p in simulation.passed if p.address == address
    ]


def only(simulation: Simulation, address: str) -> VirtualRun:
    (run,) = [run for run in simulation.runs if run.address == address]
    return run


def test_the_first_instant_counts_and_the_last_does_not() -> None:
    simulation = play({"b/a": job(20 * MINUTE)})
    assert starts(simulation, "b/a") == [0, 20, 40]
    assert {run.state for run in simulation.runs} == {"ok"}


def test_a_run_begins_when_it_is_due_and_keeps_its_nominal() -> None:
    spec = job(HOUR)
    spec["schedule"]["jitter"] = 10 * MINUTE
    run = only(play({"b/a": spec}), "b/a")
    assert run.nominal_ms == T0
    assert run.started_at_ms == run.due_ms == compile_schedule(spec["schedule"], "b/a").due(T0) > T0


def test_disabled_jobs_and_jobs_run_by_hand_do_nothing() -> None:
    simulation = play({"b/a": job(MINUTE, enabled=False), "b/b": job()})
    assert (simulation.runs, simulation.passed) == ([], [])


def test_overlap_is_skipped_and_names_what_was_in_the_way() -> None:
    simulation = play({"b/a": job(20 * MINUTE)}, durations={"b/a": 30 * MINUTE})
    assert starts(simulation, "b/a") == [0, 40]
    assert passed(simulation, "b/a") == [
        ("skipped", 20, "overlap: b/a@2026-03-28T00:00:00Z has not finished")
    ]


def test_what_is_due_comes_before_what_ends_at_the_same_instant() -> None:
    simulation = play({"b/a": job(20 * MINUTE)}, durations={"b/a": 20 * MINUTE})
    assert starts(simulation, "b/a") == [0, 40]


def test_overlap_may_be_allowed() -> None:
    simulation = play({"b/a": job(20 * MINUTE, overlap="allow")}, durations={"b/a": 50 * MINUTE})
    assert starts(simulation, "b/a") == [0, 20, 40]
    assert load_of(simulation).running.count == 3


def test_a_run_that_waits_counts_for_overlap_too() -> None:
    jobs = {"b/a": once(0), "b/b": job(10 * MINUTE)}
    simulation = play(jobs, slots=1, durations={"b/a": 35 * MINUTE})
    assert starts(simulation, "b/b") == [35, 40, 50]
    assert [minute for _, minute, _ in passed(simulation, "b/b")] == [10, 20, 30]


def test_slots_are_given_by_priority_and_then_by_age() -> None:
    jobs = {
        "b/first": once(0),
        "b/low": once(1, priority=-1),
        "b/old": once(2),
        "b/new": once(3),
        "b/high": once(4, priority=5),
    }
    simulation = play(jobs, slots=1, default_ms=10 * MINUTE)
    assert {name: starts(simulation, f"b/{name}")[0] for name in ("high", "old", "new", "low")} == {
        "high": 10,
        "old": 20,
        "new": 30,
        "low": 40,
    }
    (wait,) = only(simulation, "b/high").waits
    assert (wait.cause, wait.name, wait.span_ms) == ("slot", "common", 6 * MINUTE)


def test_queues_with_slots_of_their_own_stand_in_nobodys_way() -> None:
    jobs = {"b/a": once(0, queue="slow"), "b/b": once(1, queue="slow"), "b/c": once(1), "b/d": once(1)}
    simulation = play(jobs, slots=1, queues={"slow": 1}, default_ms=10 * MINUTE)
    assert [starts(simulation, f"b/{name}") for name in "abcd"] == [[0], [10], [1], [11]]


def test_a_queue_without_slots_starts_nothing() -> None:
    simulation = play({"b/a": once(0, queue="gone")}, queues={"gone": 0})
    assert only(simulation, "b/a").state == "unfinished"
    assert load_of(simulation).unfinished == 1


def test_a_lock_is_waited_for_by_name_of_its_holder() -> None:
    jobs = {"b/a": once(0, locks={"db": 1}), "b/b": once(1, locks={"db": 1})}
    simulation = play(jobs, default_ms=10 * MINUTE)
    (wait,) = only(simulation, "b/b").waits
    assert (wait.cause, wait.name, wait.by, wait.span_ms) == ("lock", "db", "b/a", 9 * MINUTE)


def test_locks_are_taken_all_or_none() -> None:
    jobs = {
        "b/x": once(0, locks={"x": 1}),
        "b/y": once(0, locks={"y": 1}),
        "b/both": once(1, locks={"x": 1, "y": 1}),
        "b/later": once(2, locks={"x": 1}),
    }
    simulation = play(jobs, durations={"b/x": 5 * MINUTE, "b/y": 20 * MINUTE}, default_ms=MINUTE)
    # `both` never keeps x while it waits for y, so `later` has it meanwhile.
    assert starts(simulation, "b/later") == [5]
    assert starts(simulation, "b/both") == [20]
    assert [(w.name, w.by) for w in only(simulation, "b/both").waits] == [("x", "b/x"), ("y", "b/y")]


def test_a_semaphore_has_room_for_some() -> None:
    jobs = {f"b/{name}": once(0, locks={"db": 2}) for name in "abcd"}
    simulation = play(jobs, default_ms=10 * MINUTE)
    assert [starts(simulation, f"b/{name}") for name in "abcd"] == [[0], [0], [10], [10]]


def test_a_waiter_without_a_slot_keeps_a_lock_from_nobody() -> None:
    jobs = {
        "b/holder": once(0, locks={"db": 1}),
        "b/busy": once(0, queue="slow"),
        "b/best": once(1, queue="slow", priority=9, locks={"db": 1}),
        "b/next": once(2, locks={"db": 1}),
    }
    durations = {"b/holder": 5 * MINUTE, "b/busy": 30 * MINUTE, "b/best": MINUTE, "b/next": MINUTE}
    simulation = play(jobs, queues={"slow": 1}, durations=durations)
    assert starts(simulation, "b/next") == [5]
    assert starts(simulation, "b/best") == [30]


def test_children_run_after_success_with_their_parents_nominal() -> None:
    jobs = {"b/a": once(0), "b/b": job(after=["b/a"]), "c/c": job(after=["b/b"])}
    simulation = play(jobs, default_ms=10 * MINUTE)
    assert [(run.address, run.nominal_ms - T0, run.trigger) for run in simulation.runs] == [
        ("b/a", 0, "schedule"),
        ("b/b", 0, "after"),
        ("c/c", 0, "after"),
    ]
    assert starts(simulation, "c/c") == [20]


def test_children_of_what_failed_or_was_skipped_are_skipped_and_theirs_too() -> None:
    jobs = {"b/a": job(20 * MINUTE), "b/b": job(after=["b/a"]), "b/c": job(after=["b/b"])}
    failing = play(jobs, 0.3, exits={"b/a": [1]})
    assert passed(failing, "b/b") == [("skipped", 0, "after: b/a failed")]
    assert passed(failing, "b/c") == [("skipped", 0, "after: b/b skipped")]
    late = play(jobs, 0.5, durations={"b/a": 25 * MINUTE})
    assert passed(late, "b/b") == [("skipped", 20, "after: b/a skipped")]


def test_a_failure_is_tried_again_as_the_policy_says_and_holds_no_lock_meanwhile() -> None:
    retries = {"max": 2, "delay": 5 * MINUTE, "backoff": "constant"}
    jobs = {"b/a": once(0, retries=retries, locks={"db": 1}), "b/b": once(1, locks={"db": 1})}
    simulation = play(jobs, exits={"b/a": [1, 3, 0]}, default_ms=2 * MINUTE)
    assert starts(simulation, "b/a") == [0, 7, 14]
    assert starts(simulation, "b/b") == [2]
    run = only(simulation, "b/a")
    assert (run.state, run.attempt) == ("ok", 3)


def test_the_last_exit_code_goes_on_and_ends_badly() -> None:
    jobs = {"b/a": once(0, retries={"max": 1, "delay": MINUTE, "backoff": "constant"})}
    run = only(play(jobs, exits={"b/a": [7]}), "b/a")
    assert (run.state, run.reason, run.attempt, len(run.spans)) == ("failed", "exit 7", 2, 2)


def test_a_deferred_run_uses_up_no_try() -> None:
    run = only(play({"b/a": once(0)}, exits={"b/a": [75, 75, 0]}, default_ms=MINUTE), "b/a")
    assert (run.state, run.attempt, run.defers) == ("ok", 1, 2)
    assert [begin - T0 for begin, _ in run.spans] == [0, 2 * MINUTE, 4 * MINUTE]


def test_a_run_that_is_let_go_ends_as_skipped_and_so_do_those_after_it() -> None:
    jobs = {"b/a": once(0, defer={"drop": True}), "b/b": {"command": {"run": "x"}, "after": ["b/a"]}}
    simulation = play(jobs, exits={"b/a": [75]}, default_ms=MINUTE)
    run = only(simulation, "b/a")
    assert (run.state, run.reason, len(run.spans)) == ("skipped", "not now: exit 75", 1)
    assert [(one.address, one.state) for one in simulation.passed] == [("b/b", "skipped")]


def test_a_timeout_ends_a_try_early() -> None:
    run = only(play({"b/a": once(0, timeout=MINUTE)}, durations={"b/a": HOUR}), "b/a")
    assert (run.state, run.reason, run.ended_at_ms) == ("failed", "timeout after 1m", T0 + MINUTE)


def test_what_is_only_assumed_never_times_out() -> None:
    run = only(play({"b/a": once(0, timeout=MINUTE)}, default_ms=HOUR), "b/a")
    assert (run.state, run.ended_at_ms) == ("ok", T0 + MINUTE)


def test_a_number_of_runs_is_used_up_by_runs_alone() -> None:
    spec = {"command": {"run": "x"}, "schedule": {"every": 10 * MINUTE, "phase": 0, "runs": 3}}
    simulation = play({"b/a": spec}, durations={"b/a": 15 * MINUTE})
    assert starts(simulation, "b/a") == [0, 20, 40]
    assert starts(play({"b/a": spec}, used={"b/a": 2}), "b/a") == [0]
    assert starts(play({"b/a": spec}, used={"b/a": 3}), "b/a") == []


def test_downtime_runs_the_last_or_nothing_and_counts_the_rest() -> None:
    down = [Downtime(T0 + 5 * MINUTE, T0 + 35 * MINUTE)]
    jobs = {"b/last": job(10 * MINUTE), "b/none": job(10 * MINUTE, catchup="none")}
    simulation = play(jobs, downtimes=down)
    assert starts(simulation, "b/last") == [0, 35, 40, 50]
    assert starts(simulation, "b/none") == [0, 40, 50]
    missed = [(p.address, p.state, p.count) for p in simulation.passed]
    assert missed == [("b/last", "missed", 2), ("b/none", "missed", 3)]


def test_a_short_downtime_misses_nothing() -> None:
    down = [Downtime(T0 + 10 * MINUTE, T0 + 11 * MINUTE)]
    simulation = play({"b/a": job(10 * MINUTE)}, downtimes=down)
    assert starts(simulation, "b/a") == [0, 11, 20, 30, 40, 50]
    assert simulation.passed == []


def test_nothing_delayed_comes_back_while_no_scheduler_runs() -> None:
    jobs = {"b/a": once(0, retries={"max": 1, "delay": MINUTE, "backoff": "constant"})}
    down = [Downtime(T0 + 30 * S, T0 + 20 * MINUTE)]
    run = only(play(jobs, downtimes=down, exits={"b/a": [1, 0]}, default_ms=MINUTE), "b/a")
    assert run.spans[1][0] == T0 + 20 * MINUTE


@pytest.mark.parametrize("scope", ["all", "board:b", "job:b/a", "tag:x"])
def test_what_is_paused_is_held(scope: str) -> None:
    pauses = [Pause(scope, T0 + 10 * MINUTE, T0 + 30 * MINUTE)]
    jobs = {"b/a": job(10 * MINUTE, tags=["x"]), "b/child": job(after=["b/a"])}
    simulation = play(jobs, pauses=pauses)
    assert starts(simulation, "b/a") == [0, 30, 40, 50]
    assert [(s, m) for s, m, _ in passed(simulation, "b/a")] == [("held", 10), ("held", 20)]
    assert len(passed(simulation, "b/child")) == 2


def test_a_pause_without_end_lasts() -> None:
    assert starts(play({"b/a": job(20 * MINUTE)}, pauses=[Pause("all", T0 + 1)]), "b/a") == [0]


@pytest.mark.parametrize("scope", ["all", "job:b/a", "queue:common"])
def test_a_hold_keeps_what_was_made_from_starting_up_to_its_end(scope: str) -> None:
    jobs = {"b/a": once(0, retries={"max": 1, "delay": 5 * MINUTE, "backoff": "constant"})}
    pauses = [
        Pause(scope, T0 + 3 * MINUTE, T0 + 10 * MINUTE),
        Pause(scope, T0 + 8 * MINUTE, T0 + 20 * MINUTE),
    ]
    simulation = play(jobs, pauses=pauses, exits={"b/a": [1, 0]}, default_ms=MINUTE)
    run = only(simulation, "b/a")
    assert [(begin - T0) // MINUTE for begin, _ in run.spans] == [0, 20]
    assert [(wait.cause, wait.name, wait.span_ms // MINUTE) for wait in run.waits] == [
        ("hold", scope, 4),
        ("hold", scope, 10),
    ]
    (wait,) = load_of(simulation).waits
    assert (wait.cause, wait.count, wait.longest_ms) == ("hold", 2, 10 * MINUTE)


def test_a_hold_on_a_queue_keeps_its_runs_alone_and_no_nominal() -> None:
    jobs = {"b/a": job(10 * MINUTE), "b/slow": job(20 * MINUTE, queue="slow", overlap="allow")}
    simulation = play(jobs, slots=1, pauses=[Pause("queue:slow", T0, T0 + 45 * MINUTE)])
    assert starts(simulation, "b/a") == [0, 10, 20, 30, 40, 50]
    assert starts(simulation, "b/slow") == [45, 46, 47]
    assert simulation.passed == []


def test_a_hold_without_end_keeps_a_run_for_good() -> None:
    jobs = {"b/a": job(20 * MINUTE)}
    run = only(play(jobs, pauses=[Pause("queue:common", T0)]), "b/a")
    assert (run.state, run.spans) == ("unfinished", [])


@pytest.mark.parametrize(("scope", "held"), [("common", True), ("common:wasm", True), ("common:sql", False)])
def test_a_hold_on_a_queue_keeps_the_runs_for_runners_beside_it(scope: str, *, held: bool) -> None:
    jobs = {"b/a": job(20 * MINUTE, command={"runner": "wasm", "with": {}})}
    assert (starts(play(jobs, pauses=[Pause(f"queue:{scope}", T0)]), "b/a") == []) == held


def later(minute: int, **spec: Any) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    """That another definition of b/a is in force from a minute on."""
    return {"b/a": [(T0 + minute * MINUTE, spec)]}


def test_an_override_that_ends_brings_the_schedule_below_it_back() -> None:
    simulation = simulate(
        {"b/a": job(5 * MINUTE), "b/child": job(after=["b/a"])},
        Scenario(T0, T0 + HOUR),
        later(20, **job(20 * MINUTE)),
    )
    assert starts(simulation, "b/a") == [0, 5, 10, 15, 20, 40]
    assert len(starts(simulation, "b/child")) == 6
    assert simulation.passed == []
    assert expected_fires({"b/a": job(5 * MINUTE)}, simulation.scenario, later(20, **job(20 * MINUTE))) == 6


def test_a_job_that_was_switched_off_for_a_while_comes_back() -> None:
    jobs = {"b/a": job(10 * MINUTE, enabled=False), "b/child": job(after=["b/a"])}
    simulation = simulate(jobs, Scenario(T0, T0 + HOUR), later(25, **job(10 * MINUTE)))
    assert starts(simulation, "b/a") == [30, 40, 50]
    assert starts(simulation, "b/child") == [31, 41, 51]
    off = simulate({"b/a": job(10 * MINUTE)}, Scenario(T0, T0 + HOUR), later(25, **jobs["b/a"]))
    assert starts(off, "b/a") == [0, 10, 20]


def test_a_run_keeps_what_it_was_made_by() -> None:
    jobs = {"b/long": once(0), "b/a": once(5, 30, priority=3, timeout=4 * MINUTE)}
    scenario = Scenario(T0, T0 + HOUR, slots=1, default_ms=10 * MINUTE)
    first, second = [
        run
        for run in simulate(jobs, scenario, later(7, **once(5, 30, timeout=2 * MINUTE))).runs
        if run.address == "b/a"
    ]
    assert [end - begin for begin, end in first.spans + second.spans] == [4 * MINUTE, 2 * MINUTE]


def test_what_an_override_left_undecided_is_missed() -> None:
    down = [Downtime(T0 + 12 * MINUTE, T0 + 41 * MINUTE)]
    simulation = simulate(
        {"b/a": job(5 * MINUTE), "b/child": job(after=["b/a"])},
        Scenario(T0, T0 + HOUR, downtimes=down),
        later(30, **job(25 * MINUTE)),
    )
    assert starts(simulation, "b/a") == [0, 5, 10, 50]
    assert passed(simulation, "b/a") == [("missed", 25, "no scheduler looked before its override ended")]
    assert (simulation.passed[0].count, simulation.passed[0].first_ms) == (3, T0 + 15 * MINUTE)
    assert passed(simulation, "b/child")[0] == ("skipped", 25, "after: b/a missed")


def test_a_delay_goes_on_from_when_an_override_of_it_ends() -> None:
    jobs = {"b/a": {"command": {"run": "x"}, "schedule": {"delay": 9 * MINUTE}}}
    scenario = Scenario(T0, T0 + HOUR, default_ms=MINUTE)
    assert starts(simulate(jobs, scenario), "b/a") == [0, 10, 20, 30, 40, 50]
    slower = {"command": {"run": "x"}, "schedule": {"delay": 19 * MINUTE}}
    assert starts(simulate(jobs, scenario, later(22, **slower)), "b/a") == [0, 10, 20, 40]
    # While a run is under way its end counts.
    lasting = Scenario(T0, T0 + HOUR, default_ms=5 * MINUTE)
    assert starts(simulate(jobs, lasting, later(2, **slower)), "b/a") == [0, 24, 48]


def begun(address: str, state: str, nominal: int, own: Mapping[str, Any] | None = None, **more: Any) -> Begun:
    """A run that is not over at the beginning; minutes before it."""
    nominal_ms = T0 - nominal * MINUTE
    said: dict[str, Any] = {"trigger": "schedule", "queued_at_ms": nominal_ms, **more}
    return Begun(Record(address, state, nominal_ms, **said), **(own or {}))


def test_a_run_that_is_under_way_goes_on_with_its_slot_and_its_locks() -> None:
    jobs = {
        "b/a": job(10 * MINUTE, locks={"db": 1}),
        "b/b": once(0, locks={"db": 1}),
        "b/child": job(after=["b/a"]),
    }
    running = begun("b/a", "running", 5, started_at_ms=T0 - 4 * MINUTE)
    simulation = play(jobs, standing=Standing([running]), default_ms=7 * MINUTE)
    assert starts(simulation, "b/a") == [0, 10, 20, 30, 40, 50]
    assert starts(simulation, "b/b") == [3]
    assert starts(simulation, "b/child")[0] == 3
    assert passed(simulation, "b/a")[0][:2] == ("skipped", 0)
    assert load_of(simulation).hours[0].made == len(simulation.runs) - 1


def test_runs_that_are_in_line_as_it_begins_keep_their_order() -> None:
    jobs = {"b/a": job(), "b/b": job(), "b/c": job(priority=1)}
    waiting = [begun("b/a", "queued", 1), begun("b/b", "waiting", 3), begun("b/c", "queued", 0)]
    simulation = play(jobs, standing=Standing(waiting), slots=1, default_ms=5 * MINUTE)
    assert [starts(simulation, f"b/{name}") for name in "abc"] == [[10], [5], [0]]


def test_what_a_hold_keeps_as_it_begins_starts_when_that_ends() -> None:
    kept = begun("b/a", "delayed", 30, due_at_ms=T0 + 20 * S)
    simulation = play(
        {"b/a": job()}, standing=Standing([kept]), pauses=[Pause("all", T0 - 10 * MINUTE, T0 + 17 * MINUTE)]
    )
    assert starts(simulation, "b/a") == [17]
    (wait,) = load_of(simulation).waits
    assert (wait.cause, wait.name) == ("hold", "all")


def test_runs_behind_others_of_their_job_and_at_their_gates_are_known() -> None:
    now_and_then = {"every": 2 * HOUR, "phase": HOUR}
    jobs: Jobs = {
        "b/a": job(overlap="queue"),
        "b/up": {"command": {"run": "x"}, "schedule": now_and_then},
        "b/gated": {"command": {"run": "x"}, "schedule": now_and_then, "needs": {"b/up": {}}},
        "b/join": job(after=["b/up", "b/other"]),
        "b/other": job(after=["b/up"]),
        "b/by-hand": job(),
    }
    hour_ago = T0 - HOUR
    asked = Ask(Need("b/up"), Span(hour_ago - 1, hour_ago, 1), 1, 1)
    begins = [
        begun("b/a", "running", 2, started_at_ms=T0),
        begun("b/a", "blocked", 1, {"in_line": True}),
        begun("b/up", "running", 60, started_at_ms=T0 - 60 * MINUTE),
        begun("b/gated", "blocked", 60, {"asks": [(asked, None)]}),
        begun("b/by-hand", "blocked", 1, {"needs": ["b/by-hand@x"]}),
        begun("b/by-hand", "stopping", 3, run_id="b/by-hand@x", trigger="manual", started_at_ms=T0),
    ]
    simulation = play(
        jobs, 0.9, standing=Standing(begins), durations={"b/a": 5 * MINUTE, "b/up": 67 * MINUTE}
    )
    assert starts(simulation, "b/a") == [0, 5]
    assert starts(simulation, "b/gated") == [7]
    assert starts(simulation, "b/join") == [8]
    assert only(simulation, "b/by-hand").state == "cancelled"
    assert passed(simulation, "b/by-hand") == [("skipped", -1, "after: b/by-hand@x cancelled")]


def test_a_job_that_would_fall_silent_is_told() -> None:
    jobs = {
        "b/a": once(10, 50, expected_every=20 * MINUTE),
        "b/bad": job(10 * MINUTE, expected_every=30 * MINUTE),
        "b/fine": job(10 * MINUTE, expected_every=15 * MINUTE),
        "b/off": job(10 * MINUTE, expected_every=15 * MINUTE, enabled=False),
    }
    silent = load_of(play(jobs, 2, exits={"b/bad": [1]}, default_ms=MINUTE)).silences
    assert [(s.address, s.count, s.longest_ms // MINUTE, (s.since_ms - T0) // MINUTE) for s in silent] == [
        ("b/bad", 1, 90, 30),
        ("b/a", 2, 49, 71),
    ]
    # While it is held it has its span anew.
    held = play({"b/a": jobs["b/a"]}, 2, default_ms=MINUTE, pauses=[Pause("job:b/a", T0 + 60 * MINUTE)])
    assert [(s.count, s.longest_ms // MINUTE) for s in load_of(held).silences] == [(1, 20)]


def test_a_join_knows_which_of_its_parents_are_over() -> None:
    jobs = {
        "b/root": job(2 * HOUR),
        "b/left": job(after=["b/root"]),
        "b/right": job(after=["b/root"]),
        "b/join": job(after=["b/left", "b/right"]),
    }
    known = {"b/join": {T0 - 60 * MINUTE: {"b/right": "ok"}}}
    left = begun("b/left", "running", 60, trigger="after", started_at_ms=T0 - MINUTE)
    simulation = play(
        jobs,
        0.5,
        standing=Standing([left], joins=known),
        durations={"b/left": 5 * MINUTE, "b/root": 20 * MINUTE},
    )
    assert starts(simulation, "b/join") == [4, 25]


def test_a_change_of_the_clock_is_kept() -> None:
    spec = {"command": {"run": "x"}, "schedule": {"cron": "30 2 * * *", "timezone": "Europe/Madrid"}}
    simulation = simulate({"b/a": spec}, Scenario(T0, T0 + 72 * HOUR))
    assert [run.run_id for run in simulation.runs] == [
        "b/a@2026-03-28T01:30:00Z",
        "b/a@2026-03-29T01:00:00Z",
        "b/a@2026-03-30T00:30:00Z",
    ]


def test_a_circle_that_live_edits_closed_ends() -> None:
    jobs = {"b/a": once(0), "b/b": job(after=["b/a", "b/c"]), "b/c": job(after=["b/b"])}
    simulation = play(jobs, exits={"b/a": [1]})
    assert 0 < len(simulation.passed) <= 100


def test_what_it_would_cost_is_known_before() -> None:
    jobs = {"b/a": job(MINUTE), "b/off": job(MINUTE, enabled=False), "b/child": job(after=["b/a"])}
    assert expected_fires(jobs, Scenario(T0, T0 + HOUR)) == 60


def test_load_counts_by_hour_and_finds_the_peaks() -> None:
    jobs = {f"b/{name}": once(0, 70, locks={"db": 1}) for name in "abc"}
    load = load_of(play(jobs, 2, default_ms=10 * MINUTE, slots=2))
    assert [(h.made, h.running, h.waiting, h.busy_ms // MINUTE) for h in load.hours] == [
        (3, 1, 2, 30),
        (3, 1, 2, 30),
    ]
    assert (load.runs, load.running.count, load.waited_ms) == (6, 1, 2 * 30 * MINUTE)
    assert [(w.address, w.cause, w.by, w.count, w.longest_ms // MINUTE) for w in load.waits] == [
        ("b/c", "lock", "b/a", 2, 20),
        ("b/b", "lock", "b/a", 2, 10),
    ]
    assert load.busiest[0].from_ms == T0
    assert (load.busiest[0].running, load.busiest[0].waiting) == (1, 2)


def test_load_tells_the_longest_queue_and_what_is_passed_over() -> None:
    jobs = {"b/a": job(10 * MINUTE), "b/b": once(0), "b/c": once(0)}
    load = load_of(play(jobs, slots=1, durations={"b/a": 25 * MINUTE}, default_ms=MINUTE))
    assert load.queues["common"].count == 2
    assert [(p.address, p.state, p.reason, p.count) for p in load.passed] == [
        ("b/a", "skipped", "overlap", 4)
    ]
    assert (load.count("skipped"), load.count("missed"), load.failed) == (4, 0, 0)


def test_an_empty_simulation_has_empty_hours() -> None:
    load = load_of(play({}, 3))
    assert [hour.running for hour in load.hours] == [0, 0, 0]
    assert (load.busiest, load.running.count, load.runs) == ([], 0, 0)


OVERLAPS = ["skip", "queue_latest", "queue", "allow", {"allow": 2}, "replace"]
LOCKS = {"db": 1, "disk": 2, "net": 3}
SPANS = st.sampled_from([0, 30 * S, 5 * MINUTE, 10 * MINUTE, 17 * MINUTE, 45 * MINUTE])


@st.composite
def boards(draw: st.DrawFn) -> tuple[Jobs, Scenario]:
    jobs: Jobs = {}
    for number in range(draw(st.integers(1, 8))):
        more: dict[str, Any] = {
            "overlap": draw(st.sampled_from(OVERLAPS)),
            "catchup": draw(st.sampled_from(["last", "none", "all"])),
            "queue": draw(st.sampled_from(["common", "slow"])),
            "priority": draw(st.integers(-2, 2)),
            "locks": {name: LOCKS[name] for name in draw(st.sets(st.sampled_from(sorted(LOCKS))))},
            "retries": {"max": draw(st.integers(0, 2)), "delay": draw(SPANS), "backoff": "constant"},
        }
        is_child = draw(st.booleans())
        if jobs and is_child:
            jobs[f"b/j{number}"] = job(after=[draw(st.sampled_from(sorted(jobs)))], **more)
        else:
            every = draw(st.sampled_from([5, 7, 10, 30, 60])) * MINUTE
            jobs[f"b/j{number}"] = job(every, **more)
            jobs[f"b/j{number}"]["schedule"]["jitter"] = draw(st.sampled_from([0, 3 * MINUTE]))
    begin = T0 + draw(st.integers(0, HOUR))
    downs = [Downtime(begin + HOUR // 2, begin + HOUR // 2 + draw(st.integers(1, HOUR)))]
    scenario = Scenario(
        begin,
        begin + 2 * HOUR,
        slots=draw(st.none() | st.integers(1, 4)),
        queues={"slow": 1} if draw(st.booleans()) else {},
        durations={address: draw(SPANS) for address in jobs},
        exits={
            address: draw(st.lists(st.sampled_from([0, 1, 75]), min_size=1, max_size=3)) for address in jobs
        },
        downtimes=downs if draw(st.booleans()) else [],
        pauses=[Pause("job:b/j0", begin, begin + HOUR)] if draw(st.booleans()) else [],
    )
    return jobs, scenario


def most(spans: list[tuple[int, int]]) -> int:
    return max((level for _, level in levels_of(spans)), default=0)


@settings(max_examples=150)
@given(boards())
def test_no_slot_and_no_lock_is_ever_given_twice(case: tuple[Jobs, Scenario]) -> None:
    jobs, scenario = case
    taken: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for run in simulate(jobs, scenario).runs:
        own = jobs[run.address]["queue"]
        taken[own if own in scenario.queues else "*"] += run.spans
        for name in jobs[run.address]["locks"]:
            taken[f"lock {name}"] += run.spans
    for name, capacity in LOCKS.items():
        assert most(taken[f"lock {name}"]) <= capacity
    for queue, slots in scenario.queues.items():
        assert most(taken[queue]) <= slots
    if scenario.slots is not None:
        assert most(taken["*"]) <= scenario.slots


@settings(max_examples=150)
@given(boards())
def test_every_nominal_is_decided_once_and_every_run_ends(case: tuple[Jobs, Scenario]) -> None:
    jobs, scenario = case
    simulation = simulate(jobs, scenario)
    assert all(run.state in ("ok", "failed", "cancelled") for run in simulation.runs)
    for address, spec in jobs.items():
        nominals = [run.nominal_ms for run in simulation.runs if run.address == address]
        assert len(nominals) == len(set(nominals))
        if "schedule" not in spec:
            continue
        schedule = compile_schedule(spec["schedule"], address)
        decided = len(nominals)
        for one in simulation.passed:
            if one.address == address:
                last = min(one.nominal_ms, scenario.until_ms - 1)
                decided += schedule.count(one.first_ms - 1, last)
                assert not any(one.first_ms <= nominal <= one.nominal_ms for nominal in nominals)
        assert decided == schedule.count(scenario.from_ms - 1, scenario.until_ms - 1)


@settings(max_examples=100)
@given(boards())
def test_every_overlap_bounds_what_is_unfinished_and_what_runs(case: tuple[Jobs, Scenario]) -> None:
    jobs, scenario = case
    whole: dict[str, list[tuple[int, int]]] = defaultdict(list)
    tried: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for run in simulate(jobs, scenario).runs:
        assert run.ended_at_ms is not None
        whole[run.address].append((run.queued_at_ms, run.ended_at_ms))
        tried[run.address] += run.spans
    for address, spec in jobs.items():
        rule, catches_up = spec["overlap"], spec["catchup"] == "all"
        if rule not in ("allow", {"allow": 2}):
            assert most(tried[address]) <= 1
        if rule == "skip" and not catches_up:
            assert most(whole[address]) <= 1
        if rule in ("queue_latest", {"allow": 2}) and not catches_up:
            assert most(whole[address]) <= 2


@settings(max_examples=100)
@given(boards())
def test_no_slot_stays_free_while_a_run_waits_for_one(case: tuple[Jobs, Scenario]) -> None:
    jobs, scenario = case
    if scenario.slots is None or scenario.queues:
        scenario = Scenario(scenario.from_ms, scenario.until_ms, 2, durations=scenario.durations)
    simulation = simulate(jobs, scenario)
    running = levels_of([span for run in simulation.runs for span in run.spans])
    waits = [wait for run in simulation.runs for wait in run.waits if wait.cause == "slot"]
    for (begin, level), (end, _) in pairwise(running):
        if level < (scenario.slots or 0):
            assert not any(wait.from_ms < end and begin < wait.until_ms for wait in waits)


@settings(max_examples=50)
@given(boards())
def test_the_same_in_gives_the_same_out_whatever_the_order_of_jobs(case: tuple[Jobs, Scenario]) -> None:
    jobs, scenario = case
    once_more = simulate(dict(reversed(jobs.items())), scenario)
    first = simulate(jobs, scenario)
    assert (first.runs, first.passed) == (once_more.runs, once_more.passed)
    assert load_of(first) == load_of(once_more)


def test_what_has_not_begun_says_what_it_waits_for() -> None:
    jobs = {
        "b/held": once(0, locks={"db": 1}),
        "b/gated": once(0, needs={"b/up": {}}, overlap="allow"),
        "b/up": job(),
        "b/far": once(0, queue="far"),
        "b/limited": once(0, queue="slow"),
        "b/line": once(0, 10, queue="far", overlap="queue"),
    }
    crews = [Crew(("common", "slow"), 4)]
    forever = Scenario(
        T0,
        T0 + HOUR,
        crews=crews,
        rules={"slow": QueueRule(limit=0)},
        pauses=[Pause("job:b/up", T0 - 1), Pause("queue:common", T0 - 1)],
    )
    runs = simulate(jobs, forever).runs
    assert {(run.address, run.reason) for run in runs if run.state == "unfinished"} == {
        ("b/held", "kept by the hold on queue common"),
        ("b/far", "no worker serves queue far"),
        ("b/line", "no worker serves queue far"),
        ("b/line", "behind its own runs"),
        ("b/limited", "waits for the limit of queue slow"),
    }
