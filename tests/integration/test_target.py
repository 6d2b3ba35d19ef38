"""A part of the boards alone: --target and --exclude, which never destroy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kit.project import Project, dump_of

from jobboard.store.boards import definitions
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from collections.abc import Collection


@pytest.fixture(autouse=True)
def _boards(project: Project) -> None:
    """Of ops a, b change, c is new, d goes; of etl e changes; f is of a new board."""
    project.board("ops", "a: {run: x, tags: [db]}\nb: {run: x}\nd: {run: x}")
    project.board("etl", "e: {run: x, tags: [db]}")
    project.sync()
    project.board("ops", "a: {run: y, tags: [db]}\nb: {run: y}\nc: {run: y, after: b}")
    project.board("etl", "e: {run: y, tags: [db]}")
    project.board("new", "f: {run: y}")


def written(project: Project) -> set[str]:
    return {
        f"{board}/{job}"
        for board in definitions.read_boards(project.store)
        for job, d in project.live(board).items()
        if d.spec["command"] == {"run": "y"}
    }


@pytest.mark.parametrize(
    ("flags", "jobs"),
    [
        (["--target", "ops/a"], {"ops/a"}),
        (["--target", "a"], {"ops/a"}),
        (["--target", "ops/a", "--target", "etl"], {"ops/a", "etl/e"}),
        (["--target", "tag:db"], {"ops/a", "etl/e"}),
        (["--target", "tag:db", "--exclude", "ops"], {"etl/e"}),
        (["--exclude", "tag:db", "--exclude", "new"], {"ops/b", "ops/c"}),
        (["--exclude", "ops"], {"etl/e", "new/f"}),
    ],
)
def test_just_these_are_written_and_nothing_goes(
    project: Project, flags: list[str], jobs: Collection[str]
) -> None:
    plan = project.plan(*flags)
    left_out = {"ops/a", "ops/b", "ops/c", "ops/d", "etl/e", "new/f"} - set(jobs)
    assert plan["left_out"] == sorted(left_out)
    assert (
        f"Left out by --target or --exclude: {', '.join(sorted(left_out))}."
        in project.run("plan", *flags).out
    )
    project.sync(*flags)
    assert written(project) == jobs
    assert "d" in project.live("ops")
    assert ("new" in definitions.read_boards(project.store)) is ("new/f" in jobs)
    assert check(project.store) == []
    before = dump_of(project.store)
    again = project.sync(*flags).out
    assert "No changes to what was chosen." in again
    assert dump_of(project.store) == before
    project.sync()
    assert written(project) == {"ops/a", "ops/b", "ops/c", "etl/e", "new/f"}
    assert "d" not in project.live("ops")
    assert check(project.store) == []


def test_what_is_left_out_makes_no_board_look_done(project: Project) -> None:
    project.sync("--target", "ops/a")
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    assert record.meta["digest"] is None
    assert record.meta["jobs"] == 3
    assert project.counts() == {"add": 2, "change": 2, "destroy": 1}


def test_a_board_whose_file_is_gone_stands_in_nobodys_way(project: Project) -> None:
    project.path("etl").unlink()
    project.sync("--target", "ops")
    assert "e" in project.live("etl")
    refused = project.run("plan", "--target", "ops", "--prune-board", "etl")
    assert refused.code == 64
    assert "never destroy anything" in refused.err


def test_a_job_needs_what_it_runs_after(project: Project) -> None:
    project.board("ops", "a: {run: y, after: z}\nz: {run: y}\nb: {run: x}\nd: {run: x}")
    refused = project.run("sync", "--auto-approve", "--target", "ops/a")
    assert refused.code == 3
    assert "ops/a would run after ops/z, which would not be there" in refused.err
    assert "or let what it needs take part" in refused.out
    project.sync("--target", "ops/a", "--target", "ops/z")
    assert written(project) == {"ops/a", "ops/z"}


def test_a_job_that_moves_waits_for_a_sync_of_everything(project: Project) -> None:
    head = "moved: [{from: d, to: g}]\n"
    project.board("ops", "a: {run: y, tags: [db]}\nb: {run: x}\ng: {run: x}", head=head)
    project.sync("--target", "ops")
    assert set(project.live("ops")) == {"a", "b", "d"}
    project.sync()
    assert set(project.live("ops")) == {"a", "b", "g"}


def test_a_name_that_is_not_there_is_refused(project: Project) -> None:
    project.board("etl", "e: {run: y}\na: {run: y}")
    for flag in ("--target", "--exclude"):
        for name, words in (("ops/nowhere", "no job or board ops/nowhere"), ("a", "etl/a or ops/a")):
            refused = project.run("plan", flag, name)
            assert refused.code == 64
            assert words in refused.err
    assert project.ok("plan", "--target", "etl").code == 0


def test_a_part_can_be_saved(project: Project) -> None:
    project.ok("plan", "--target", "ops/a", "--out", "p.json")
    project.ok("sync", "--plan", "p.json")
    assert written(project) == {"ops/a"}


def test_a_job_of_a_board_that_stays_as_it_is_may_be_named_without_it(project: Project) -> None:
    project.board("ops", "dump: {run: x}\ncopy: {run: x}")
    project.board("web", "w: {run: x}")
    project.sync()
    project.board("web", "w: {run: y}")
    assert "No changes to what was chosen." in project.ok("plan", "--target", "dump").out
    assert project.counts("--target", "dump", "--exclude", "copy") == {}
    assert project.run("plan", "--target", "nothing").code == 64


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("tag:dbb", "no job has the tag dbb", "did you mean tag:db?"),
        ("tag:nowhere", "no job has the tag nowhere", "the tags are db"),
        ("db", "no job or board db", "did you mean tag:db?"),
        ("ops/bb", "no job or board ops/bb", "did you mean ops/b"),
        ("op", "no job or board op", "did you mean ops?"),
        ("quite-other", "no job or board quite-other", "write BOARD/JOB, BOARD, or tag:TAG"),
    ],
)
@pytest.mark.parametrize("changed", [True, False])
def test_a_name_that_is_not_there_is_refused_with_what_may_be_meant(
    project: Project, name: str, message: str, hint: str, *, changed: bool
) -> None:
    if not changed:
        project.sync()
    for flag in ("--target", "--exclude"):
        refused = project.run("plan", flag, name)
        assert refused.code == 64
        assert message in refused.err
        assert hint in refused.err


def test_what_no_file_has_to_be_parsed_for_can_be_named(project: Project) -> None:
    project.sync()
    for name in ("tag:db", "ops/a", "ops"):
        assert "No changes" in project.ok("plan", "--target", name).out
