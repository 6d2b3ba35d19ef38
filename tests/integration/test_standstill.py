"""A plan of unchanged files is made without looking at any board, and is the plan that looking comes to."""

from __future__ import annotations

import shutil
from itertools import product
from typing import TYPE_CHECKING

import pytest

from jobboard.cli.project import read_sources
from jobboard.reconcile import comparing
from jobboard.reconcile.planning import make_plan, unchanged_files
from jobboard.reconcile.sources import Options
from jobboard.store.boards.definitions import read_boards

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.project import Project

    from jobboard.reconcile.planning import Planned

STANDING: dict[str, Callable[[Project], object]] = {
    "as it was": lambda project: None,
    "at a later commit": lambda project: project.commit("about something else"),
    "at an earlier commit": lambda project: project.git("checkout", "-q", "HEAD~1"),
    "on another branch": lambda project: project.git("checkout", "-q", "-b", "other"),
    "with a remote": lambda project: project.git("remote", "add", "origin", "https://u:p@git.example/x"),
    "outside Git": lambda project: shutil.rmtree(project.folder / ".git"),
    "with uncommitted work": lambda project: (project.folder / "notes").write_text("x"),
    "beside a folder without boards": lambda project: (project.folder / "boards" / "more").mkdir(),
}
MOVING: dict[str, Callable[[Project], object]] = {
    "a file is gone": lambda project: project.path("etl").unlink(),
    "a file has changed": lambda project: project.board("etl", "a: {run: y}"),
    "a board was edited live": lambda project: project.ok("set", "etl/a", "timeout=1m"),
    "a file is new": lambda project: project.board("new", "a: {run: y}"),
}


@pytest.fixture
def synced(project: Project) -> Project:
    """Two boards, synced from the second of two commits."""
    project.commit("the first commit is what a repository is known by")
    for name in ("ops", "etl"):
        project.board(name, "a: {run: x}")
    project.commit("boards")
    project.git("commit", "-q", "--allow-empty", "-m", "nothing")
    project.sync()
    return project


def both(project: Project, options: Options) -> tuple[Planned, Planned]:
    """The plan as it is made, and by comparing whatever happened."""
    sources = read_sources([], project.folder)
    records = read_boards(project.store)
    unchanged = unchanged_files(sources, options, records)
    return (
        make_plan(project.store, sources, options),
        comparing.compare(project.store, sources, options, records, unchanged),
    )


@pytest.mark.parametrize("name", [*STANDING, *MOVING])
def test_the_plan_is_the_one_that_comparing_comes_to(synced: Project, name: str) -> None:
    (STANDING | MOVING)[name](synced)
    for rewind, committed, take, one_branch in product([False, True], repeat=4):
        options = Options(
            allow_rewind=rewind, committed_only=committed, take_ownership=take, one_branch=one_branch
        )
        made, compared = both(synced, options)
        assert made == compared


@pytest.mark.parametrize("name", STANDING)
def test_boards_that_stand_still_are_not_compared(
    synced: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    STANDING[name](synced)

    def refuse(*_: object) -> Planned:
        raise AssertionError

    monkeypatch.setattr(comparing, "compare", refuse)
    sources = read_sources([], synced.folder)
    owned = Options(take_ownership=True)
    assert not make_plan(synced.store, sources, owned).plan.changes


@pytest.mark.parametrize("name", MOVING)
def test_whatever_moved_is_found(synced: Project, name: str) -> None:
    MOVING[name](synced)
    made, _ = both(synced, Options())
    assert made.plan.changes or made.plan.drift or made.plan.refusals
