"""Boards follow Git's history forward; see `jobboard.reconcile.ancestry`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from kit.project import dump_of, reset_statistics, write_commands

from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from kit.project import Project


def commit_of(project: Project, board: str = "ops") -> str:
    record = definitions.read_board(project.store, board)
    assert record is not None
    return str(record.meta["commit"])


@pytest.fixture
def synced(project: Project) -> str:
    """The commit that a board was synced from."""
    project.commit("the first commit is what a repository is known by")
    project.board("ops", "a: {run: x}")
    commit = project.commit("x")
    project.sync()
    return commit


def test_a_sync_that_has_nothing_to_do_writes_nothing(project: Project, synced: str) -> None:
    before = dump_of(project.store)
    reset_statistics(project.store)
    project.sync()
    assert write_commands(project.store) == set()
    assert dump_of(project.store) == before
    assert commit_of(project) == synced


def test_from_another_commit_it_writes_the_head_of_the_board_and_nothing_else(
    project: Project, synced: str
) -> None:
    before = dump_of(project.store)
    then = project.commit("about something else")
    assert then != synced
    project.sync()
    assert commit_of(project) == then
    after = dump_of(project.store)
    assert {key for key in {*before, *after} if before.get(key) != after.get(key)} == {"boardmeta"}


def test_a_board_that_says_what_it_said_is_in_nobodys_way_and_keeps_the_later_commit(
    project: Project, synced: str
) -> None:
    later = project.commit("about something else")
    project.sync()
    before = dump_of(project.store)
    project.git("checkout", "-q", synced)
    assert project.plan()["applyable"]
    project.sync()
    assert dump_of(project.store) == before
    assert commit_of(project) == later
    project.board("etl", "b: {run: x}")
    project.sync()
    assert commit_of(project) == later


def test_boards_that_would_go_back_are_told_of_once(project: Project, synced: str) -> None:
    for name in ("etl", "web"):
        project.board(name, "a: {run: x}")
    project.commit("more")
    project.sync()
    for name in ("etl", "ops", "web"):
        project.board(name, "a: {run: y}")
    project.commit("y")
    project.sync()
    project.git("checkout", "-q", "HEAD~1")
    found = [refusal for board in project.plan()["boards"] for refusal in board["refusals"]]
    assert [refusal["code"] for refusal in found] == ["rewind"]
    assert found[0]["message"].startswith("board etl and 2 more were last synced from commit ")
    assert commit_of(project) != synced


def test_a_history_that_was_rewritten_is_no_continuation(project: Project, synced: str) -> None:
    project.board("ops", "a: {run: y}")
    project.git("commit", "-q", "-a", "--amend", "-m", "x, better")
    assert project.run("sync", "--auto-approve").code == 5
    project.sync("--allow-rewind")
    assert commit_of(project) not in (synced, "None")


def test_a_merge_of_what_was_synced_continues_it(project: Project, synced: str) -> None:
    project.git("checkout", "-q", "-b", "feature")
    project.board("etl", "b: {run: x}")
    project.commit("feature")
    project.git("checkout", "-q", "main")
    project.board("ops", "a: {run: y}")
    project.commit("y")
    project.sync()
    project.git("checkout", "-q", "feature")
    # What it would change is a new board and an older one: the older one stands in the way of both.
    assert project.run("plan").code == 5
    project.git("merge", "-q", "main")
    project.sync()
    assert set(definitions.read_boards(project.store)) == {"ops", "etl"}


class TestShallow:
    """A clone of depth 1 knows no ancestry; two runs of a pipeline know which came later."""

    @pytest.fixture(autouse=True)
    def _pipeline(self, monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
        monkeypatch.setenv("CI_PROJECT_PATH", "shop/jobs")
        monkeypatch.setenv("CI_PIPELINE_IID", "41")
        project.board("ops", "a: {run: x}")
        project.commit("x")
        project.git("remote", "add", "origin", "https://example.org/one.git")
        project.sync()
        project.board("ops", "a: {run: y}")
        project.commit("y")
        project.cut_off()

    @pytest.mark.parametrize(("number", "code"), [("40", 5), ("41", 0), ("42", 0)])
    def test_the_later_run_wins(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, number: str, code: int
    ) -> None:
        monkeypatch.setenv("CI_PIPELINE_IID", number)
        done = project.run("sync", "--auto-approve")
        assert done.code == code
        if code:
            assert "synced by run 41 of this pipeline, and this is run 40" in done.err
            assert "--allow-rewind" in done.err

    def test_numbers_of_another_pipeline_say_nothing(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CI_PIPELINE_IID", "42")
        monkeypatch.setenv("CI_PROJECT_PATH", "shop/other")
        refused = project.run("sync", "--auto-approve")
        assert refused.code == 5
        assert "fetch-depth: 0" in refused.err

    def test_a_second_run_of_one_commit_has_nothing_to_write(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CI_PIPELINE_IID", "42")
        project.sync()
        before = dump_of(project.store)
        monkeypatch.setenv("CI_PIPELINE_IID", "43")
        project.sync()
        assert dump_of(project.store) == before


class TestOutsideGit:
    def test_a_board_that_came_from_a_commit_is_warned_of(self, project: Project) -> None:
        (project.folder / "jobboard.yaml").write_text("origin: shop-jobs\n")
        project.board("ops", "a: {run: x}")
        project.commit()
        project.git("remote", "add", "origin", "shop-jobs")
        assert project.sync().err == ""
        shutil.rmtree(project.folder / ".git")
        project.board("ops", "a: {run: y}")
        for words in (["plan"], ["sync", "--auto-approve"]):
            warned = project.ok(*words)
            assert "board ops came from a commit, and these files are in none" in warned.err
        assert "nothing can tell" not in project.sync().err

    def test_so_is_a_store_that_may_be_shared(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        assert project.ok("plan").err == ""
        project.share()
        assert "these files are in no commit, and the store may be shared" in project.sync().err
