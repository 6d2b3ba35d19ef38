"""Plans of more boards than one commit takes: written in parts, and said to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobboard import errors
from jobboard.cli.plans.jsonform import plan_json
from jobboard.cli.plans.text import PlanText
from jobboard.cli.project import read_sources
from jobboard.cli.screen import Collected
from jobboard.reconcile.applying import Synced, apply
from jobboard.reconcile.around import look_around
from jobboard.reconcile.planning import Planned, make_plan
from jobboard.reconcile.sources import Options
from jobboard.store.boards import definitions, staging
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.project import Project

    from jobboard.store.calls.connect import Store

BY = {"actor": "ana", "via": "test"}
BOARDS = 7
MOST = 3


@pytest.fixture(autouse=True)
def _boards(project: Project) -> None:
    for number in range(BOARDS):
        project.board(f"b{number}", f"a: {{run: x{number}, every: 1h}}")


def plan_of(project: Project) -> Planned:
    return make_plan(project.store, read_sources([], Path.cwd()), Options(boards_at_once=MOST))


def sync(project: Project) -> Synced:
    return apply(project.store, plan_of(project), BY)


def test_a_large_plan_says_so_and_is_written_in_parts(project: Project) -> None:
    planned = plan_of(project)
    around = look_around(project.store, planned.plan)
    screen = Collected()
    PlanText(screen, planned, around, "here").write()
    assert "More than 3 boards: they are written in 3 parts, each of them all or nothing." in " ".join(
        screen.taken().split()
    )
    assert plan_json(planned, around)["parts"] == 3
    assert project.plan()["parts"] == 1
    synced = sync(project)
    assert (synced.revision, synced.parts) == (3, 3)
    assert synced.plan.counts == {"add": BOARDS}
    assert set(definitions.read_boards(project.store)) == {f"b{n}" for n in range(BOARDS)}
    assert project.plan()["empty"]
    assert staging.is_drained(project.store)
    assert check(project.store) == []


def stopped(project: Project, at: int) -> None:
    """A sync that ends at a commit of its own, as one that is killed does."""
    commit, seen = staging.commit, list[int]()

    def stop(*args: Any, **more: Any) -> tuple[int, int]:
        seen.append(1)
        if len(seen) == at:
            raise KeyboardInterrupt
        return commit(*args, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(staging, "commit", stop)
        with pytest.raises(KeyboardInterrupt):
            sync(project)


@pytest.mark.parametrize("at", [2, 3])
def test_one_that_is_stopped_between_parts_is_finished_by_the_next(project: Project, at: int) -> None:
    stopped(project, at)
    assert len(definitions.read_boards(project.store)) == (at - 1) * MOST
    assert "Sync complete!" in project.sync().out
    assert len(definitions.read_boards(project.store)) == BOARDS
    assert all(problem.kind == "stages" for problem in check(project.store))


def between(project: Project, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Have somebody do something after the first part."""
    commit, seen = staging.commit, list[int]()

    def meanwhile(store: Store, *args: Any, **more: Any) -> tuple[int, int]:
        seen.append(1)
        if len(seen) == 2:
            project.ok(*words)
        return commit(store, *args, **more)

    monkeypatch.setattr(staging, "commit", meanwhile)


def changed(project: Project) -> None:
    project.sync()
    for number in range(BOARDS):
        project.board(f"b{number}", f"a: {{run: y{number}, every: 1h}}\nb: {{run: x}}")


def test_an_edit_between_parts_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(project)
    between(project, monkeypatch, "set", "b0/b", "timeout=5m")
    synced = sync(project)
    assert synced.parts == 3
    for number in range(BOARDS):
        assert project.spec(f"b{number}/a")["command"]["run"] == f"y{number}"
    assert project.spec("b0/b")["timeout"] == 300_000


def test_one_that_goes_stale_between_parts_says_how_far_it_came(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(project)
    between(project, monkeypatch, "set", "b5/a", "timeout=5m")
    with pytest.raises(errors.Stale, match="b5 changed in Redis meanwhile; 1 of 3 parts are written"):
        sync(project)
    assert project.spec("b0/a")["command"]["run"] == "y0"
    assert project.spec("b5/a")["command"]["run"] == "x5"
    project.sync()
    assert project.plan()["empty"]


def test_a_job_that_moves_is_in_one_part_with_both_its_boards(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.sync()
    project.board("b0", "z: {run: z}")
    for number in range(1, BOARDS - 1):
        project.board(f"b{number}", f"a: {{run: y{number}, every: 1h}}")
    head = "moved: [{from: b0/a, to: c}]\n"
    project.board("b6", "a: {run: x6, every: 1h}\nc: {run: x0, every: 1h}", head=head)
    stopped(project, 2)
    commands = {f"{b}/{j}": d.spec["command"] for b in ("b0", "b6") for j, d in project.live(b).items()}
    assert [address for address, command in commands.items() if command == {"run": "x0"}] == ["b6/c"]
