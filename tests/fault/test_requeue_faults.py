"""A sync that requeues runs and calls many off, ended before and after each script it calls."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import pytest
from kit.clock import StoreClock

from jobboard.store.boards import staging
from jobboard.store.calls.connect import Store
from jobboard.store.runs import past, walking
from jobboard.store.runs.runs import Runs
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.project import Project

    Make = Callable[[], Project]

SYNC = ("sync", "--auto-approve", "--requeue")
GOING = 120
"""Waiting runs of the job that goes: more than two calls end."""
EIGHT_HOURS = 8 * 3_600_000


class Ended(BaseException):
    """The process is no more; nothing may catch it."""


@pytest.fixture
def make(new_project: Make) -> Make:
    """Makes projects with waiting runs of a job that changes, one that did before, and one that goes."""

    def one() -> Project:
        project = new_project()
        project.board("ops", "a: {run: v1}\nb: {run: v1}\ngone: {run: v1}")
        project.sync()
        runs = Runs(project.store)
        for job in ("a", "a", "b", "b", *(["gone"] * GOING)):
            runs.start_run(f"ops/{job}", by="ana")
        project.board("ops", "a: {run: v1}\nb: {run: v2}\ngone: {run: v1}")
        project.sync()
        project.board("ops", "a: {run: v2}\nb: {run: v2}")
        return project

    return one


def ended_at(call: int, when: Literal["asked", "answered"]) -> pytest.MonkeyPatch:
    """Ends the process at a call of a script; undo it to go on."""
    patched, made, ask = pytest.MonkeyPatch(), count(1), Store.call

    def asked(store: Store, script: str, **arguments: Any) -> Any:
        number = next(made)
        if (number, when) == (call, "asked"):
            raise Ended
        answer = ask(store, script, **arguments)
        if (number, when) == (call, "answered"):
            raise Ended
        return answer

    patched.setattr(Store, "call", asked)
    return patched


def commands(project: Project) -> dict[str, list[str]]:
    """What the waiting runs of each job are to run."""
    found: dict[str, list[str]] = {}
    for job in ("a", "b", "gone"):
        specs = [
            past.read_spec(project.store, run.run_id) for run in past.live_runs(project.store, f"ops/{job}")
        ]
        found[job] = [spec["command"]["run"] for spec in specs if spec is not None]
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["asked", "answered"])
def test_each_run_has_one_definition_or_the_other_and_the_next_sync_finishes(
    make: Make, when: Literal["asked", "answered"]
) -> None:
    seen = set()
    for call in count(1):
        project = make()
        patched = ended_at(call, when)
        try:
            project.run(*SYNC)
        except Ended:
            pass
        else:
            break
        finally:
            patched.undo()
        left = commands(project)
        assert {len(left["a"]), len(left["b"])} == {2}, call
        assert {*left["a"], *left["b"]} <= {"v1", "v2"}, call
        assert all(problem.kind == "stages" for problem in check(project.store)), call
        seen.add((tuple(left["a"]), tuple(left["b"]), len(left["gone"])))
        project.sync("--requeue")
        assert commands(project) == {"a": ["v2", "v2"], "b": ["v2", "v2"], "gone": []}, call
        ended = walking.walk(project.store, lambda record: record.state == "cancelled", limit=2 * GOING)
        assert len({record.run_id for record in ended.records}) == len(ended.records) == GOING, call
        StoreClock(project.store).advance(EIGHT_HOURS)
        staging.collect(project.store)
        assert check(project.store) == [], call
    # Before all, in the middle of what is called off, before those that stay, and after.
    assert (("v1",) * 2, ("v1",) * 2, GOING) in seen
    assert any(0 < going < GOING for _, _, going in seen)
    assert (("v2",) * 2, ("v1",) * 2, 0) in seen
