from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.project import Project, dump_of

from jobboard.cli.project import read_sources
from jobboard.reconcile.planning import make_plan
from jobboard.reconcile.sources import Options
from jobboard.store.boards import definitions

if TYPE_CHECKING:
    from pathlib import Path

    from jobboard.store.calls.connect import Store

    Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def theirs(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> Project:
    """Another repository with a board of the same name, and the same store."""
    other = Project(tmp_path / "theirs", store, monkeypatch, capsys)
    other.board("ops", "theirs: {run: x}")
    other.commit("theirs")
    other.git("remote", "add", "origin", "https://example.org/theirs.git")
    return other


@pytest.fixture
def ours(project: Project, theirs: Project) -> Project:
    """A repository that has synced the board."""
    project.enter()
    project.board("ops", "ours: {run: x}")
    project.commit("ours")
    project.git("remote", "add", "origin", "https://user:secret@example.org/ours.git")
    project.sync()
    return project


def origin(project: Project) -> str | None:
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    found: str | None = record.meta["origin"]
    return found


def test_another_repository_is_refused_until_it_takes_the_board_over(ours: Project, theirs: Project) -> None:
    before = dump_of(ours.store)
    theirs.enter()
    for command in ("plan", "sync"):
        refused = theirs.run(command, *["--auto-approve"][: command == "sync"])
        assert refused.code == 3
        assert "board ops is owned by https://example.org/ours.git" in refused.out
        assert "--take-ownership" in refused.out
        assert "secret" not in refused.out + refused.err
    assert dump_of(ours.store) == before
    theirs.sync("--take-ownership")
    assert set(theirs.live("ops")) == {"theirs"}
    ours.enter()
    assert ours.run("plan").code == 3


def test_outside_git_a_board_of_a_repository_is_refused(ours: Project, theirs: Project) -> None:
    theirs.enter()
    (theirs.folder / ".git").rename(theirs.folder / "git")
    assert theirs.run("sync", "--auto-approve").code == 3
    assert origin(theirs) == "https://example.org/ours.git"


def test_a_board_from_outside_git_belongs_to_who_comes_next(project: Project, theirs: Project) -> None:
    project.enter()
    project.board("ops", "a: {run: x}")
    project.sync()
    assert origin(project) is None
    theirs.enter()
    theirs.sync()
    assert origin(theirs) == "https://example.org/theirs.git"


def test_a_repository_that_is_given_a_remote_stays_the_same(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.commit()
    project.sync()
    assert str(origin(project)).startswith("root:")
    project.git("remote", "add", "origin", "git@example.org:ours.git")
    project.board("ops", "a: {run: y}")
    project.sync()
    assert origin(project) == "git@example.org:ours.git"


def test_a_board_of_another_repository_is_never_missed(ours: Project, theirs: Project) -> None:
    theirs.enter()
    theirs.path("ops").unlink()
    theirs.board("etl", "x: {run: x}")
    assert theirs.counts() == {"add": 1}
    theirs.sync()
    assert set(theirs.live("ops")) == {"ours"}


def test_ownership_comes_before_other_guards(ours: Project, theirs: Project) -> None:
    theirs.enter()
    theirs.board("ops", "")
    refused = theirs.run("sync", "--auto-approve")
    assert refused.code == 3
    codes = [refusal["code"] for refusal in theirs.plan()["boards"][0]["refusals"]]
    assert codes == ["empty", "owner"]
    assert theirs.run("sync", "--auto-approve", "--take-ownership").code == 5


def test_another_branch_is_refused_only_where_that_matters(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.commit()
    project.sync()
    project.git("checkout", "-q", "-b", "feature")
    sources = read_sources([], project.folder)
    assert make_plan(project.store, sources, Options()).plan.applyable
    (refusal,) = make_plan(project.store, sources, Options(one_branch=True)).plan.refusals
    assert refusal.code == "branch"
    assert refusal.message == "board ops was last synced from branch main, and this is branch feature"
    assert "--take-over" in refusal.way_out
    project.git("checkout", "-q", "main")
    assert make_plan(project.store, read_sources([], project.folder), Options(one_branch=True)).plan.applyable
