"""Policies on a real store: what becomes of live edits, by flag, by board, by key."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from kit.project import Project, dump_of

from jobboard.core.jobs.policy import OnConflict, OnDrift, Policy
from jobboard.store.boards import definitions
from jobboard.store.views.fsck import check

PAIRS = [
    (on_drift, on_conflict)
    for on_drift, on_conflict in product(get_args(OnDrift), get_args(OnConflict))
    if Policy(on_drift, on_conflict).contradiction is None
]


def edited(project: Project, *, head: str = "") -> None:
    """A job whose timeout is drift, and whose owner only Redis has."""
    project.board("ops", "a: {run: x, timeout: 1m}\nb: {run: x}", head=head)
    project.sync()
    project.ok("set", "ops/a", "timeout=2m", "owner=luis")


def drift_of(project: Project) -> tuple[str, ...]:
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    return record.drift


@pytest.mark.parametrize(
    ("on_drift", "timeout", "owner"),
    [("keep", 120_000, "luis"), ("revert", 60_000, "luis"), ("exact", 60_000, None)],
)
@pytest.mark.parametrize("where", ["flag", "board"])
def test_drift(project: Project, on_drift: str, timeout: int, owner: str | None, where: str) -> None:
    edited(project, head=f"reconcile: {{on_drift: {on_drift}}}\n" if where == "board" else "")
    flags = ["--on-drift", on_drift] if where == "flag" else []
    assert ("(edited live; taken back)" in project.run("plan", *flags).out) is (on_drift != "keep")
    project.sync(*flags)
    spec = project.spec("ops/a")
    assert (spec["timeout"], spec.get("owner")) == (timeout, owner)
    assert drift_of(project) == (() if on_drift == "exact" else ("a",))
    before = dump_of(project.store)
    assert "No changes." in project.sync(*flags).out
    assert dump_of(project.store) == before
    assert check(project.store) == []


def test_drift_can_be_forbidden(project: Project) -> None:
    edited(project, head="reconcile: {on_drift: fail}\n")
    before = dump_of(project.store)
    for words in (["plan"], ["sync", "--auto-approve"]):
        refused = project.run(*words)
        assert refused.code == 3
        assert "ops/a was edited live: timeout, owner" in refused.out
        assert "--on-drift revert" in refused.out
    assert dump_of(project.store) == before
    project.sync("--on-drift", "keep")
    project.sync("--on-drift", "exact")
    assert project.plan()["empty"]


def test_a_key_has_its_own_policy(project: Project) -> None:
    edited(project, head="reconcile: {on_drift: exact, fields: {timeout: {on_drift: keep}}}\n")
    project.sync()
    assert project.spec("ops/a") == {"command": {"run": "x"}, "timeout": 120_000}
    project.sync("--on-drift", "exact")
    assert project.spec("ops/a") == {"command": {"run": "x"}, "timeout": 60_000}


def test_the_record_of_a_board_keeps_its_policy(project: Project) -> None:
    project.board("ops", "a: {run: x}", head="reconcile: {on_drift: exact}\n")
    project.sync()
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    assert record.meta["reconcile"] == {"on_drift": "exact"}
    project.board("ops", "a: {run: x}")
    project.sync()
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    assert "reconcile" not in record.meta


@pytest.mark.parametrize(("on_drift", "on_conflict"), PAIRS)
def test_a_second_sync_writes_nothing_under_every_pair(
    project: Project, on_drift: str, on_conflict: str
) -> None:
    edited(project)
    project.ok("set", "ops/b", "priority=1")
    project.board("ops", "a: {run: x, timeout: 3m}\nb: {run: y}")
    flags = ["--on-drift", on_drift, "--on-conflict", on_conflict]
    project.run("sync", "--auto-approve", *flags)
    before = dump_of(project.store)
    project.run("sync", "--auto-approve", *flags)
    assert dump_of(project.store) == before
    assert check(project.store) == []


class TestContradiction:
    @pytest.mark.parametrize("on_drift", ["revert", "exact"])
    def test_of_two_flags(self, project: Project, on_drift: str) -> None:
        project.board("ops", "a: {run: x}")
        refused = project.run("plan", "--on-drift", on_drift, "--on-conflict", "live")
        assert refused.code == 64
        assert "add --on-drift keep" in refused.err

    def test_of_a_flag_and_a_board(self, project: Project) -> None:
        edited(project, head="reconcile: {on_drift: exact}\n")
        refused = project.run("sync", "--auto-approve", "--on-conflict", "live")
        assert refused.code == 64
        assert "on_drift: exact of board ops" in refused.err
        assert "--on-drift keep" in refused.err

    def test_within_a_board(self, project: Project) -> None:
        project.board("ops", "a: {run: x}", head="reconcile: {on_drift: exact, on_conflict: live}\n")
        refused = project.run("lint")
        assert refused.code == 65
        assert "boards/ops.yaml:2" in refused.out + refused.err
        assert "on_conflict: file" in refused.out + refused.err

    def test_of_force_and_live(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        assert project.run("plan", "--on-conflict", "live", "--force-conflicts").code == 64


class TestConflicts:
    @pytest.fixture(autouse=True)
    def _two_conflicts(self, project: Project) -> None:
        project.board("ops", "a: {run: x, timeout: 1m, priority: 1}\nb: {run: x}")
        project.sync()
        project.ok("set", "ops/a", "timeout=2m", "priority=2")
        project.board("ops", "a: {run: y, timeout: 3m, priority: 3}\nb: {run: y}")

    def test_the_file_is_forced_everywhere(self, project: Project) -> None:
        project.sync("--force-conflicts")
        assert project.spec("ops/a") == {"command": {"run": "y"}, "timeout": 180_000, "priority": 3}

    def test_or_one_by_one_as_a_plan_prints_it(self, project: Project) -> None:
        (line,) = [line for line in project.run("plan").out.splitlines() if "one by one" in line]
        pasted = line.partition("jobboard ")[2].split()
        refused = project.run(*pasted, "--auto-approve")
        assert refused.code == 3
        assert "ops/a.priority" not in refused.out
        done = project.run(*pasted, "--auto-approve", "--force-conflicts=ops/a:priority")
        assert done.code == 0
        assert project.spec("ops/a") == {"command": {"run": "y"}, "timeout": 180_000, "priority": 3}

    def test_what_is_forced_has_to_be_a_path_of_a_job(self, project: Project) -> None:
        for wrong in ("boards/ops.yaml", "a:timeout", "ops/a:"):
            refused = project.run("plan", f"--force-conflicts={wrong}")
            assert refused.code == 64
            assert "--force-conflicts=ops/backup:timeout" in refused.err

    def test_keeping_redis_works_although_the_board_reverts(self, project: Project) -> None:
        project.board(
            "ops",
            "a: {run: y, timeout: 3m, priority: 3}\nb: {run: y}",
            head="reconcile: {on_drift: revert}\n",
        )
        (line,) = [line for line in project.run("plan").out.splitlines() if "keep Redis:" in line]
        project.ok(*line.partition("jobboard ")[2].split(), "--auto-approve")
        assert project.spec("ops/a") == {"command": {"run": "y"}, "timeout": 120_000, "priority": 2}

    def test_a_job_with_a_conflict_can_be_skipped_whole(self, project: Project) -> None:
        planned = project.run("plan", "--skip-conflicted")
        assert planned.code == 3
        assert "0 to add, 1 to change, 0 to destroy" in planned.out
        synced = project.run("sync", "--auto-approve", "--skip-conflicted")
        assert synced.code == 3
        assert "1 changed" in synced.out
        assert "Left as they are, with their conflicts: ops/a." in synced.out
        assert project.spec("ops/a") == {"command": {"run": "x"}, "timeout": 120_000, "priority": 2}
        assert project.spec("ops/b") == {"command": {"run": "y"}}
        again = project.run("sync", "--auto-approve", "--skip-conflicted")
        assert again.code == 3
        assert "Nothing to write." in again.out
        assert project.run("plan").code == 3
        assert check(project.store) == []
        project.sync("--force-conflicts")
        assert project.plan()["empty"]
        assert project.plan("--skip-conflicted")["applyable"]


def test_drift_inside_a_set_that_the_file_changed_too_stays_in_sight(project: Project) -> None:
    project.board("ops", "a: {run: x, tags: [t]}")
    project.sync()
    project.ok("set", "ops/a", "tags=[t, live]")
    project.board("ops", "a: {run: x, tags: [t, file]}")
    project.sync()
    assert project.spec("ops/a")["tags"] == ["file", "live", "t"]
    assert "drift    a.tags" in project.run("plan").out
    project.sync("--on-drift", "exact")
    assert project.spec("ops/a")["tags"] == ["file", "t"]
