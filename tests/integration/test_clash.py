"""Semantic conflicts: file and live edit each hold together, what the merge makes of them does not."""

from __future__ import annotations

import shlex

import pytest
from kit.project import Project, dump_of

from jobboard.reconcile.live import edit_job
from jobboard.store.views.fsck import check


def circle(project: Project) -> None:
    """Live a after b, in the file b after a."""
    project.board("ops", "a: {run: x}\nb: {run: x}\nz: {run: x}")
    project.sync()
    project.ok("set", "ops/a", "after=b")
    project.board("ops", "a: {run: x}\nb: {run: x, after: a}\nz: {run: y}")


def parent(project: Project) -> None:
    """Live a after b, in the file no b."""
    project.board("ops", "a: {run: x}\nb: {run: x}\nz: {run: x}")
    project.sync()
    project.ok("set", "ops/a", "after=b")
    project.board("ops", "a: {run: x}\nz: {run: y}")


def lock(project: Project) -> None:
    """Live a takes a lock too, of the capacity it has; in the file its capacity is another."""
    project.board("ops", "a: {run: x}\nb: {run: x, locks: [db]}\nz: {run: x}")
    project.sync()
    project.ok("set", "ops/a", "locks.db=1")
    project.board("ops", "a: {run: x}\nb: {run: x, locks: ['2:db']}\nz: {run: y}")


SCENES = {
    "circle": (circle, "jobs would wait for each other: ops/a after ops/b after ops/a"),
    "parent": (parent, "ops/a would run after ops/b, which would not be there"),
    "lock": (lock, 'lock "db" would have a capacity of 1 in ops/a and of 2 in ops/b'),
}


@pytest.mark.parametrize("kind", SCENES)
def test_nothing_is_written_and_both_sides_are_named(project: Project, kind: str) -> None:
    scene, message = SCENES[kind]
    scene(project)
    before = dump_of(project.store)
    planned = project.run("plan")
    assert planned.code == 3
    assert f"! conflict {message}" in planned.out
    assert "ops/a.after" in planned.out or "ops/a.locks.db" in planned.out
    assert "(ana, cli, " in planned.out
    assert "boards/ops.yaml:3" in planned.out
    assert "1 conflict in the way" in planned.out
    synced = project.run("sync", "--auto-approve")
    assert synced.code == 3
    assert f"{message}; nothing was written" in synced.err
    assert dump_of(project.store) == before
    plan = project.plan()
    (told,) = plan["boards"][0]["semantic_conflicts"]
    assert (plan["applyable"], told["kind"], told["message"]) == (False, kind, message)
    assert told["parts"][0]["address"] == "ops/a"
    assert told["parts"][0]["edited"]["actor"] == "ana"
    assert f"# conflict: {message}" in project.run("plan", "-o", "diff").out
    github = project.run("plan", "-o", "github").out
    assert "::error file=boards/ops.yaml,line=3,title=ops/a conflicts::" in github
    assert "1 conflict in the way" in project.run("plan", "-o", "markdown").out


@pytest.mark.parametrize("side", ["file", "live"])
@pytest.mark.parametrize("kind", SCENES)
def test_the_ways_out_it_prints_work(project: Project, kind: str, side: str) -> None:
    SCENES[kind][0](project)
    pasted = [line for line in project.run("plan").out.splitlines() if f"--on-conflict {side}" in line]
    if (kind, side) == ("parent", "live"):
        # What keeps b there would be a file that says so: no value of a path does.
        assert pasted == []
        assert project.run("sync", "--auto-approve", "--on-conflict", "live").code == 3
        return
    (line,) = pasted
    words = shlex.split(line.partition("jobboard ")[2])
    project.ok(*words, "--auto-approve")
    assert project.spec("ops/z")["command"] == {"run": "y"}
    spec = project.spec("ops/a")
    assert (spec.get("after"), spec.get("locks")) == (
        (None, None) if side == "file" else (["ops/b"], None) if kind == "circle" else (None, {"db": 1})
    )
    assert project.plan()["empty"]
    assert check(project.store) == []


def test_the_file_may_be_forced_at_one_path(project: Project) -> None:
    circle(project)
    project.sync("--force-conflicts=ops/a:after")
    assert "after" not in project.spec("ops/a")
    assert project.spec("ops/b")["after"] == ["ops/a"]


@pytest.mark.parametrize("kind", SCENES)
def test_what_the_file_changed_in_it_can_be_skipped(project: Project, kind: str) -> None:
    SCENES[kind][0](project)
    skipped = project.run("sync", "--auto-approve", "--skip-conflicted")
    assert skipped.code == 3, skipped
    assert "Left as they are, with their conflicts: ops/a, ops/b." in skipped.out
    assert project.spec("ops/z")["command"] == {"run": "y"}
    assert "after" not in project.spec("ops/b")
    assert project.spec("ops/b").get("locks") == ({"db": 1} if kind == "lock" else None)
    assert project.run("sync", "--auto-approve").code == 3
    assert check(project.store) == []


def test_a_file_that_is_wrong_by_itself_stays_an_invalid_board(project: Project) -> None:
    project.board("ops", "a: {run: x}\nb: {run: x, after: a}")
    project.sync()
    project.ok("set", "ops/b", "timeout=5m")
    project.board("etl", "e: {run: x, after: ops/b}")
    project.sync("boards/etl.yaml")
    project.board("ops", "a: {run: x, after: etl/e}\nb: {run: x, after: a}")
    refused = project.run("sync", "--auto-approve", "boards/ops.yaml")
    assert refused.code == 65
    assert "boards/ops.yaml:4" in refused.err
    assert "jobs wait for each other" in refused.err


def test_a_live_edit_on_a_board_that_takes_no_part(project: Project) -> None:
    project.board("ops", "a: {run: x, locks: [db]}")
    project.board("etl", "e: {run: x}")
    project.sync()
    project.ok("set", "ops/a", "locks.db=3")
    project.board("etl", "e: {run: x, locks: [db]}")
    refused = project.run("sync", "--auto-approve", "boards/etl.yaml")
    assert refused.code == 3
    assert 'lock "db" would have a capacity of 1 in etl/e and of 3 in board ops' in refused.err
    project.board("etl", "e: {run: x, locks: ['3:db']}")
    project.sync("boards/etl.yaml")


def test_a_job_that_was_made_to_run_after_another_live_is_known_to_whoever_removes_that(
    project: Project,
) -> None:
    project.board("ops", "a: {run: x}\nb: {run: x}")
    project.board("etl", "e: {run: x}")
    project.sync()
    project.ok("set", "etl/e", "after=ops/a")
    project.board("ops", "b: {run: x}")
    refused = project.run("sync", "--auto-approve", "boards/ops.yaml")
    assert refused.code == 5
    assert "etl/e runs after ops/a, which this would destroy" in refused.err


def test_many_at_once_are_found_without_looking_at_every_job_for_each(project: Project) -> None:
    project.board("ops", "p: {run: x}\n" + "\n".join(f"j{n}: {{run: x}}" for n in range(60)))
    project.sync()
    for number in range(60):
        edit_job(project.store, f"ops/j{number}", {"after": "p"}, by={"actor": "ana", "via": "cli"}, now_ms=0)
    project.board("ops", "\n".join(f"j{n}: {{run: x}}" for n in range(60)))
    refused = project.run("plan")
    assert refused.code == 3
    assert "60 conflicts in the way" in refused.out
    project.sync("--on-conflict", "file", "--allow-destroy", "1")
    assert set(project.live("ops")) == {f"j{n}" for n in range(60)}
    assert check(project.store) == []
