"""What becomes of the runs of a job that a sync destroys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.engine import Engine

from jobboard.store.boards import definitions
from jobboard.store.runs import past
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.project import Project

POLICY = "reconcile: {on_prune: cancel}\n"


@pytest.fixture
def running(project: Project) -> Project:
    """A project whose ops/dump has a run that runs and one that waits."""
    project.board("ops", "dump: {run: x, overlap: allow}\nother: {run: y}", head=POLICY)
    project.sync()
    engine = Engine(project.store)
    engine.worker()
    project.ok("run", "ops/dump")
    engine.reserve_one()
    project.ok("run", "ops/dump")
    return project


def states(project: Project) -> dict[str, int]:
    found = [run.state for run in past.live_runs(project.store, "ops/dump")]
    return {state: found.count(state) for state in found}


def test_running_runs_are_stopped_where_the_board_says_so(running: Project) -> None:
    running.board("ops", "other: {run: y}", head=POLICY)
    assert "1 running run will be stopped" in running.run("plan").out
    running.sync()
    assert states(running) == {"stopping": 1}
    (run,) = past.live_runs(running.store, "ops/dump")
    assert run.by == "ana"
    assert check(running.store) == []


def test_a_board_that_goes_is_asked_what_it_said_last(running: Project) -> None:
    running.path("ops").unlink()
    running.sync("--prune-board", "ops")
    assert states(running) == {"stopping": 1}


def test_they_finish_where_it_does_not(running: Project) -> None:
    running.board("ops", "other: {run: y}")
    assert "1 running run will finish" in running.run("plan").out
    running.sync()
    assert states(running) == {"running": 1}
    assert check(running.store) == []


def test_a_flag_wins_over_the_board_and_for_once(running: Project) -> None:
    running.board("ops", "other: {run: y}", head=POLICY)
    assert "1 running run will finish" in running.run("plan", "--on-prune", "drain").out
    running.sync("--on-prune", "drain")
    assert states(running) == {"running": 1}
    record = definitions.read_board(running.store, "ops")
    assert record is not None
    assert record.meta["reconcile"] == {"on_prune": "cancel"}


def test_a_flag_stops_them_through_a_saved_plan_too(running: Project) -> None:
    running.board("ops", "other: {run: y}")
    running.ok("plan", "--on-prune", "cancel", "--out", "plan.json")
    assert "1 running run will be stopped" in running.ok("sync", "--plan", "plan.json").out
    assert states(running) == {"stopping": 1}
    assert check(running.store) == []
