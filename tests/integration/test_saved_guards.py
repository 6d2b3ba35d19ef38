"""A saved plan passes the guards of its commit as a sync of the same files would; see `reconcile.saved`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from kit.project import dump_of

from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from kit.project import Project


def commit_of(project: Project, board: str) -> str:
    record = definitions.read_board(project.store, board)
    assert record is not None
    return str(record.meta["commit"])


@pytest.fixture(autouse=True)
def _plan(project: Project) -> None:
    """A plan of a commit that changes ops/a; web is as it was."""
    project.board("ops", "a: {run: x}\nb: {run: x}")
    project.board("web", "w: {run: x}")
    project.commit("x")
    project.sync()
    project.board("ops", "a: {run: y}\nb: {run: x}")
    project.commit("y")
    project.ok("plan", "--out", "../p.json")


def test_no_history_is_needed_where_nothing_was_synced_since(project: Project) -> None:
    planned = project.git("rev-parse", "HEAD")
    shutil.rmtree(project.folder / ".git")
    project.ok("sync", "--plan", "../p.json")
    assert {commit_of(project, board) for board in ("ops", "web")} == {planned}


def test_a_commit_that_came_first_is_no_obstacle(project: Project) -> None:
    project.board("ops", "a: {run: z}\nb: {run: x}\nc: {run: x}")
    planned = project.commit("z")
    project.ok("plan", "--target", "ops/c", "--out", "../c.json")
    project.git("checkout", "-q", "HEAD~1")
    project.sync()
    project.ok("sync", "--plan", "../c.json")
    assert set(project.live("ops")) == {"a", "b", "c"}
    # What comes next is measured by this commit: one between the two would take it back.
    assert commit_of(project, "ops") == planned


@pytest.fixture
def later(project: Project) -> str:
    """A commit beside that of the plan, synced since: it changes another job of the board."""
    project.git("checkout", "-q", "-b", "other", "HEAD~1")
    project.board("ops", "a: {run: x}\nb: {run: z}")
    commit = project.commit("z")
    project.sync()
    return commit


def test_another_commit_that_was_synced_since_is_an_obstacle(project: Project, later: str) -> None:
    before = dump_of(project.store)
    refused = project.run("sync", "--plan", "../p.json")
    assert refused.code == 5
    assert f"board ops was last synced from commit {later[:7]}" in refused.err
    assert "jobboard plan --allow-rewind --out FILE" in refused.err
    assert dump_of(project.store) == before


def test_without_git_nobody_can_tell(project: Project, later: str) -> None:
    shutil.rmtree(project.folder / ".git")
    refused = project.run("sync", "--plan", "../p.json")
    assert refused.code == 5
    assert f"commit {later[:7]}, and Git cannot tell" in refused.err


def test_going_back_is_allowed_to_the_plan_and_from_where_it_was_looked_at(
    project: Project, later: str
) -> None:
    project.git("checkout", "-q", "main")
    project.ok("plan", "--allow-rewind", "--out", "../back.json")
    project.ok("sync", "--plan", "../back.json")
    assert project.spec("ops/b")["command"] == {"run": "x"}
    assert commit_of(project, "ops") != later
    project.git("checkout", "-q", "other")
    project.board("ops", "a: {run: x}\nb: {run: z}\nc: {run: x}")
    project.commit("more")
    project.sync("--allow-rewind")
    assert project.run("sync", "--plan", "../back.json").code == 5


def test_a_board_of_which_nothing_is_left_to_write_keeps_the_later_commit(
    project: Project, later: str
) -> None:
    project.git("merge", "-q", "-s", "ours", "-m", "both", "main")
    project.board("ops", "a: {run: y}\nb: {run: z}")
    both = project.commit("as both have it")
    project.sync()
    before = dump_of(project.store)
    assert project.ok("sync", "--plan", "../p.json").out.startswith("All of this is applied already")
    assert dump_of(project.store) == before
    assert commit_of(project, "ops") == both != later


def test_what_no_commit_holds_is_not_written_to_a_store_that_others_rely_on(project: Project) -> None:
    project.board("ops", "a: {run: z}\nb: {run: x}")
    project.ok("plan", "--out", "../dirty.json")
    project.share()
    refused = project.run("sync", "--plan", "../dirty.json")
    assert refused.code == 5
    assert "changes that are in no commit" in refused.err
    assert "jobboard plan --allow-dirty --out FILE" in refused.err
    project.ok("plan", "--allow-dirty", "--out", "../dirty.json")
    project.ok("sync", "--plan", "../dirty.json")
    assert project.spec("ops/a")["command"] == {"run": "z"}


def test_a_tree_that_got_dirty_since_is_no_obstacle(project: Project) -> None:
    project.share()
    project.board("ops", "broken")
    project.ok("sync", "--plan", "../p.json")
    assert project.spec("ops/a")["command"] == {"run": "y"}


def test_the_later_of_two_pipelines_wins_where_git_cannot_tell(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_PROJECT_PATH", "shop/jobs")
    for number in ("7", "8"):
        monkeypatch.setenv("CI_PIPELINE_IID", number)
        project.ok("plan", "--out", f"../{number}.json")
        project.git("commit", "-q", "--amend", "-m", number)
    project.ok("sync", "--plan", "../7.json")
    assert commit_of(project, "ops")
