"""A delay as a schedule: how it reads, what it stands beside, what is known of it beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobboard.core.jobs.depend import check_joins
from jobboard.core.jobs.gate import check_gates
from jobboard.core.plans.forecast import next_due_between, next_due_ms
from jobboard.core.simulation.simulate import Downtime, Pause, Scenario, simulate
from jobboard.core.times.instant import parse_instant
from jobboard.core.times.schedule import compile_schedule, words
from jobboard.core.times.timing import OF_DELAY, OPTIONS, compose_schedule
from jobboard.store.boards.codec import launch_of

if TYPE_CHECKING:
    from jobboard.core.diagnostic import Fault

MINUTE = 60_000
HOUR = 60 * MINUTE
T0 = parse_instant("2026-03-01T00:00:00Z")
PACED: dict[str, Any] = {"delay": 5 * MINUTE}
JOB: dict[str, Any] = {"command": {"run": "true"}}


def test_it_reads_as_it_is_meant() -> None:
    assert words(PACED) == "5m after each run ends"
    assert words({**PACED, "runs": 3}) == "5m after each run ends, 3 times"


@pytest.mark.parametrize("option", sorted(set(OPTIONS) - set(OF_DELAY) - {"window"}))
def test_what_means_nothing_beside_it_is_refused(option: str) -> None:
    faults: list[Fault] = []
    compose_schedule({"delay": MINUTE, option: 1}, None, None, faults)
    assert [fault.path for fault in faults] == [(option,)]


def test_the_jitter_of_defaults_is_not_its_own() -> None:
    assert compose_schedule({"delay": MINUTE}, "Europe/Madrid", 5_000, []) == {"delay": MINUTE}


def test_the_one_instant_that_is_due_makes_a_schedule_of_it() -> None:
    schedule = compile_schedule({**PACED, "start": T0, "stop": T0 + HOUR}, "b/x")
    assert schedule.anchored(T0 - HOUR).next_after(0) == T0
    assert schedule.anchored(T0 + MINUTE).next_after(0) == T0 + MINUTE
    assert schedule.anchored(T0 + HOUR).next_after(0) is None
    assert schedule.count(T0, T0 + HOUR) == 11


def test_it_is_due_at_once_or_at_its_start_and_a_changed_one_after_itself() -> None:
    spec = {**JOB, "schedule": PACED}
    later = {**JOB, "schedule": {**PACED, "start": T0 + HOUR}}
    slower = {**JOB, "schedule": {"delay": HOUR}}
    assert next_due_ms("b/x", spec, T0) == T0 + 1
    assert next_due_ms("b/x", later, T0) == T0 + HOUR
    assert next_due_between("b/x", spec, slower, T0) == T0 + HOUR
    assert next_due_between("b/x", {**spec, "enabled": False}, slower, T0) == T0 + 1
    assert next_due_between("b/x", {**JOB, "schedule": {"every": 5}}, slower, T0) == T0 + 1


def test_nobody_waits_for_its_nominals() -> None:
    specs: dict[str, dict[str, Any]] = {
        "b/paced": {**JOB, "schedule": PACED},
        "b/other": {**JOB, "schedule": PACED},
        "b/gated": {**JOB, "schedule": {"every": HOUR}, "needs": {"b/paced": {}}},
        "b/joined": {**JOB, "after": ["b/other", "b/paced"]},
    }
    ((gated, (fault,)),) = check_gates(specs).items()
    assert (gated, fault.hint) == ("b/gated", "Give b/paced every or cron in place of delay")
    assert list(check_joins(specs)) == ["b/joined"]


def test_scripts_are_told_the_delay_and_its_end() -> None:
    assert launch_of({**JOB, "schedule": PACED}) == {"i": [5 * MINUTE]}
    assert launch_of({**JOB, "schedule": {**PACED, "stop": T0}}) == {"i": [5 * MINUTE, T0]}
    assert launch_of({**JOB, "schedule": {"every": 5}}) == {}


def runs_of(scenario: Scenario, **more: Any) -> list[tuple[int, str]]:
    played = simulate({"b/x": {**JOB, "schedule": PACED, **more}}, scenario)
    found = [(run.nominal_ms, run.state) for run in played.runs]
    return [
        ((at - T0) // MINUTE, state)
        for at, state in sorted(found + [(p.nominal_ms, p.state) for p in played.passed])
    ]


def test_a_simulated_one_goes_on_from_what_is_due_and_counts_from_each_end() -> None:
    scenario = Scenario(T0, T0 + 20 * MINUTE, default_ms=2 * MINUTE, dues={"b/x": T0 + 4 * MINUTE})
    assert runs_of(scenario) == [(4, "ok"), (11, "ok"), (18, "ok")]


def test_a_simulated_one_that_is_held_or_missed_counts_as_over_then() -> None:
    held = Scenario(T0, T0 + 16 * MINUTE, default_ms=MINUTE, pauses=[Pause("all", T0, T0 + 6 * MINUTE)])
    assert runs_of(held) == [(0, "held"), (5, "held"), (10, "ok")]
    down = Scenario(T0, T0 + 30 * MINUTE, default_ms=MINUTE, downtimes=[Downtime(T0, T0 + 20 * MINUTE)])
    assert runs_of(down, catchup="none") == [(0, "missed"), (25, "ok")]
    assert runs_of(down) == [(0, "ok"), (26, "ok")]


def test_skips_are_used_up_by_runs_that_would_be_made() -> None:
    held = [Pause("all", T0, T0 + MINUTE)]
    scenario = Scenario(T0, T0 + 20 * MINUTE, default_ms=MINUTE, pauses=held, skips={"b/x": 1})
    assert runs_of(scenario) == [(0, "held"), (5, "skipped"), (10, "ok"), (16, "ok")]
