from __future__ import annotations

import pytest
from kit.project import Project, dump_of

from jobboard.store.boards import definitions
from jobboard.store.views.fsck import check


@pytest.fixture(autouse=True)
def _two_boards(project: Project) -> None:
    project.board("ops", "a: {run: x, every: 1m}\nb: {run: x}")
    project.board("etl", "c: {run: x, every: 1m}")
    project.sync()


def test_a_board_whose_file_is_gone_is_shown_and_stays(project: Project) -> None:
    project.path("ops").unlink()
    before = dump_of(project.store)
    for words in (["plan"], ["sync", "--auto-approve"]):
        refused = project.run(*words)
        assert refused.code == 5
        assert "board ops (2 jobs): its file boards/ops.yaml is gone" in refused.out
        assert "--prune-board ops" in refused.out
    assert dump_of(project.store) == before


def test_a_board_with_a_new_name_is_not_a_second_one(project: Project) -> None:
    path = project.path("ops")
    path.write_text(path.read_text().replace("board: ops", "board: web"))
    refused = project.run("sync", "--auto-approve")
    assert refused.code == 5
    assert "board ops (2 jobs): its file boards/ops.yaml holds board web now" in refused.err
    assert "moved: [{from: ops/JOB, to: JOB}]" in refused.err
    with path.open("a") as file:
        file.write("\nmoved: [{from: ops/a, to: a}, {from: ops/b, to: b}]\n")
    project.sync()
    assert set(definitions.read_boards(project.store)) == {"etl", "web"}
    assert set(project.live("web")) == {"a", "b"}


def test_it_goes_when_it_is_named(project: Project) -> None:
    project.path("ops").unlink()
    planned = project.run("plan", "--prune-board", "ops")
    assert planned.code == 0
    assert "the board itself, with all its 2 jobs" in planned.out
    assert "2 to destroy" in planned.out
    project.sync("--prune-board", "ops")
    assert definitions.read_board(project.store, "ops") is None
    assert set(definitions.read_boards(project.store)) == {"etl"}
    assert project.store.client.zrange(project.store.key("sched"), 0, -1) == [b"etl/c"]
    assert check(project.store) == []
    assert project.plan()["empty"]


def test_pruning_does_not_pass_protection(project: Project) -> None:
    project.board("ops", "a: {run: x, protected: true}")
    project.sync()
    project.path("ops").unlink()
    refused = project.run("sync", "--auto-approve", "--prune-board", "ops")
    assert refused.code == 5
    assert "ops/a is protected" in refused.err


def test_pruning_does_not_pass_a_parent_others_need(project: Project) -> None:
    project.board("etl", "c: {run: x, after: ops/a}")
    project.sync()
    project.path("ops").unlink()
    refused = project.run("sync", "--auto-approve", "--prune-board", "ops")
    assert refused.code == 5
    assert "etl/c runs after ops/a, which this would destroy" in refused.err
    project.board("etl", "c: {run: other, after: ops/a}")
    refused = project.run("sync", "--auto-approve", "--prune-board", "ops")
    assert refused.code == 65
    assert "boards/etl.yaml:3" in refused.err
    assert set(project.live("ops")) == {"a", "b"}


def test_a_board_is_missed_only_in_the_folder_it_came_from(project: Project) -> None:
    project.path("ops").unlink()
    assert project.sync("boards/etl.yaml").code == 0
    (project.folder / "more").mkdir()
    assert project.sync("more").code == 0


def test_a_file_that_does_not_parse_is_no_missing_board(project: Project) -> None:
    for half in ("", "board: ops\njobs:\n  a: {run: x, ", "# nothing\n"):
        project.path("ops").write_text(half)
        refused = project.run("sync", "--auto-approve")
        assert refused.code == 65
        assert "boards/ops.yaml" in refused.err
        assert "nothing was written" in refused.err
        assert set(project.live("ops")) == {"a", "b"}


def test_a_file_that_is_given_another_board_loses_the_old_one(project: Project) -> None:
    text = project.path("ops").read_text().replace("board: ops", "board: operations")
    project.path("ops").write_text(text)
    refused = project.run("sync", "--auto-approve")
    assert refused.code == 5
    assert "--prune-board ops" in refused.err
    project.sync("--prune-board", "ops")
    assert set(definitions.read_boards(project.store)) == {"etl", "operations"}


def rolled_back(project: Project) -> None:
    """Board ops, destroyed with its file, comes back by a rollback; web is changed in its file since."""
    project.path("ops").unlink()
    project.sync("--prune-board", "ops")
    said = project.ok("rollback", "1", "--board", "ops", "--auto-approve")
    assert "moved:" not in said.out
    project.board("web", "w: {run: other}")


def test_one_that_a_rollback_brought_back_is_shown_and_passed_over(project: Project) -> None:
    project.board("web", "w: {run: x}")
    project.sync()
    rolled_back(project)
    assert "held at what revision 1 left" in project.ok("plan").out
    passed = project.run("sync", "--auto-approve")
    assert passed.code == 5
    assert "ops passed over" in passed.err
    assert project.spec("web/w")["command"] == {"run": "other"}
    assert project.live("ops")


def test_once_released_it_is_missed_in_any_folder_until_it_goes_or_has_a_file(project: Project) -> None:
    project.board("web", "w: {run: x}")
    project.sync()
    rolled_back(project)
    project.ok("release", "ops")
    refused = project.run("sync", "--auto-approve")
    assert refused.code == 5
    assert "a rollback brought it back, and it has no file" in refused.err
    project.sync("--prune-board", "ops")
    assert not project.live("ops")
    assert check(project.store) == []


def test_a_held_board_whose_file_goes_stands_in_nobodys_way(project: Project) -> None:
    project.board("ops", "other: {run: x}\nmore: {run: y}")
    project.board("web", "w: {run: x}")
    project.sync()
    project.ok("rollback", "1", "--board", "ops", "--auto-approve")
    project.path("ops").unlink()
    project.board("web", "w: {run: y}\nmine: {run: x}", head="moved: [{from: ops/a, to: mine}]\n")
    refused = project.run("sync", "--auto-approve")
    assert refused.code == 5
    assert "ops/a is to move, and a rollback holds board ops" in refused.err
    project.board("web", "w: {run: y}")
    assert project.run("sync", "--auto-approve").code == 5
    assert project.spec("web/w")["command"] == {"run": "y"}
    assert "a" in project.live("ops")
    project.sync("--prune-board", "ops")
    assert check(project.store) == []
