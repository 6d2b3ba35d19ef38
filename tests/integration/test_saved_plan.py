"""Plans in files: made in one place, applied in another, stale job by job."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest
from kit.project import Project, dump_of

from jobboard.store.boards import definitions
from jobboard.store.runs.runs import Runs
from jobboard.store.views.fsck import check


@pytest.fixture(autouse=True)
def _plan(project: Project) -> None:
    """A plan that changes a, destroys b, adds c, makes a board and removes one; d stays."""
    project.board("ops", "a: {run: x, every: 1h}\nb: {run: x, every: 1h}\nd: {run: x}")
    project.board("old", "o: {run: x}")
    project.sync()
    project.path("old").unlink()
    project.board("ops", "a: {run: y, every: 2h}\nc: {run: x, after: a}\nd: {run: x}")
    project.board("new", "n: {run: x, every: 1h}")
    saved = project.ok("plan", "--prune-board", "old", "--out", "p.json")
    assert saved.err == "Saved. To write just this:  jobboard sync --plan p.json\n"


def applied(project: Project) -> dict[str, Any]:
    return {
        f"{board}/{job}": (d.spec, d.base)
        for board in definitions.read_boards(project.store)
        for job, d in project.live(board).items()
    }


def test_it_writes_what_a_sync_would_have_written(project: Project) -> None:
    digest = project.plan("--prune-board", "old")["digest"]
    done = project.ok("sync", "--plan", "p.json", "--expect-digest", digest)
    assert "Plan: 2 to add, 1 to change, 2 to destroy." in done.out
    assert "Sync complete! Revision 2: 2 added, 1 changed, 2 destroyed." in done.out
    assert set(applied(project)) == {"ops/a", "ops/c", "ops/d", "new/n"}
    assert project.spec("ops/a")["command"] == {"run": "y"}
    before = dump_of(project.store)
    assert "No changes." in project.sync().out
    assert dump_of(project.store) == before
    assert check(project.store) == []


def test_files_are_not_read_again(project: Project) -> None:
    project.board("ops", "broken")
    project.ok("sync", "--plan", "p.json")
    assert project.spec("ops/a")["command"] == {"run": "y"}


def test_an_applied_plan_says_so(project: Project) -> None:
    project.ok("sync", "--plan", "p.json")
    before = dump_of(project.store)
    again = project.ok("sync", "--plan", "p.json")
    assert again.out == "All of this is applied already; nothing was left to do.\n"
    assert project.ok("sync", "--plan", "p.json", "-o", "json").json["repeated"] is True
    assert dump_of(project.store) == before


def test_what_others_did_meanwhile_elsewhere_makes_nothing_stale(project: Project) -> None:
    project.ok("set", "ops/d", "timeout=5m")
    Runs(project.store).start_run("ops/a", by="ana")
    project.board("other", "x: {run: x}")
    project.sync("boards/other.yaml")
    project.ok("sync", "--plan", "p.json")
    assert set(applied(project)) == {"ops/a", "ops/c", "ops/d", "new/n", "other/x"}
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    assert record.drift == ("d",)
    assert record.meta["digest"] is None
    assert "1 to change" not in project.run("plan").out
    assert check(project.store) == []


def test_a_job_that_was_edited_is_named(project: Project) -> None:
    project.ok("set", "ops/a", "timeout=5m")
    project.ok("set", "ops/b", "priority=5")
    before = dump_of(project.store)
    stale = project.run("sync", "--plan", "p.json")
    assert stale.code == 4
    assert "there moved in Redis: ops/a (timeout), ops/b (priority); nothing was written" in stale.err
    assert "jobboard plan --out" in stale.err
    assert dump_of(project.store) == before


def test_a_job_that_has_gone_or_come_is_named(project: Project) -> None:
    project.board("ops", "c: {run: z}\nd: {run: x}")
    project.board("old", "o: {run: x}\nmore: {run: x}")
    project.sync()
    stale = project.run("sync", "--plan", "p.json")
    assert stale.code == 4
    for words in ("ops/a (gone)", "ops/c (there already)", "old/more (new)"):
        assert words in stale.err


def test_a_plan_of_which_a_part_is_applied_is_finished(project: Project) -> None:
    project.sync("boards/ops.yaml")
    done = project.ok("sync", "--plan", "p.json")
    assert "Revision 3: 1 added, 0 changed, 1 destroyed." in done.out
    assert set(applied(project)) == {"ops/a", "ops/c", "ops/d", "new/n"}
    assert check(project.store) == []


def test_with_what_others_did_it_has_to_hold_together(project: Project) -> None:
    project.board("etl", "e: {run: x, after: ops/b}")
    project.board("ops", "a: {run: x, every: 1h}\nb: {run: x, every: 1h}\nd: {run: x}")
    project.sync("boards/etl.yaml", "boards/ops.yaml")
    refused = project.run("sync", "--plan", "p.json")
    assert refused.code == 5
    assert "etl/e runs after ops/b, which this would destroy" in refused.err


def test_what_is_no_such_plan_is_refused(project: Project) -> None:
    whole = project.folder.joinpath("p.json").read_text()
    before = dump_of(project.store)
    edited = whole.replace('"run": "y"', '"run": "z"')
    newer = whole.replace('"format_version": "1.0"', '"format_version": "2.0"')
    cases = {
        "edited since": edited,
        "format 2.0": newer,
        "not JSON": whole[:-20],
        "no plan that jobboard plan --out wrote": "{}",
        "of namespace": None,
    }
    for words, text in cases.items():
        project.folder.joinpath("q.json").write_text(text or whole)
        more = ["--namespace", "elsewhere"] if text is None else []
        refused = project.run("sync", "--plan", "q.json", *more)
        assert refused.code == 64
        assert words in refused.err
    assert project.run("sync", "--plan", "nowhere.json").code == 64
    late = project.run("sync", "--plan", "p.json", "--on-drift", "revert")
    assert late.code == 64
    assert "so --on-drift comes too late" in late.err
    assert project.run("sync", "--plan", "p.json", "boards").code == 64
    assert project.run("sync", "--plan", "p.json", "--expect-digest", "sha256:" + "0" * 64).code == 4
    assert dump_of(project.store) == before


def test_a_file_is_its_owners_alone_and_says_no_more_than_boards(project: Project) -> None:
    path = project.folder / "p.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert project.store.url not in path.read_text()
    assert json.loads(path.read_text())["digest"] == project.plan("--prune-board", "old")["digest"]
    assert [each.name for each in project.folder.iterdir() if each.name.startswith(".p")] == []
    refused = project.run("plan", "--out", "nowhere/p.json", "--prune-board", "old")
    assert refused.code == 64
    assert "nowhere/p.json" in refused.err


def test_what_nobody_could_apply_is_not_saved(project: Project) -> None:
    refused = project.run("plan", "--out", "q.json")
    assert refused.code == 5
    assert "nothing was saved to q.json" in refused.err
    assert not (project.folder / "q.json").exists()


def moving(project: Project) -> str:
    """A plan by which d gets the name e, and old/o a place on ops."""
    project.ok("sync", "--plan", "p.json")
    project.board("old", "o: {run: x, every: 1h}")
    project.sync()
    head = "moved: [{from: d, to: e}, {from: old/o, to: o}]\n"
    project.board(
        "ops", "a: {run: y, every: 2h}\nc: {run: x, after: a}\ne: {run: x}\no: {run: x, every: 1h}", head=head
    )
    project.path("old").unlink()
    project.ok("plan", "--prune-board", "old", "--out", "m.json")
    return "m.json"


def test_jobs_with_a_new_address_keep_what_they_have(project: Project) -> None:
    path = moving(project)
    due = project.store.client.zscore(project.store.key("sched"), "old/o")
    done = project.ok("sync", "--plan", path)
    assert "2 moved" in done.out
    assert set(project.live("ops")) == {"a", "c", "e", "o"}
    assert project.store.client.zscore(project.store.key("sched"), "ops/o") == due
    again = project.ok("sync", "--plan", path)
    assert again.out == "All of this is applied already; nothing was left to do.\n"
    assert project.plan()["empty"]
    assert check(project.store) == []


def test_a_job_with_a_new_address_is_stale_as_any_other(project: Project) -> None:
    path = moving(project)
    project.ok("set", "ops/d", "timeout=5m")
    stale = project.run("sync", "--plan", path)
    assert stale.code == 4
    assert "ops/e (timeout)" in stale.err


def conflicting(project: Project) -> str:
    """A plan that leaves b as it is, since both sides changed it, and changes a."""
    project.ok("sync", "--plan", "p.json")
    project.board("ops", "a: {run: y, every: 2h}\nb: {run: x}\nc: {run: x, after: a}\nd: {run: x}")
    project.sync()
    project.ok("set", "ops/b", "timeout=5m")
    project.board(
        "ops", "a: {run: z, every: 2h}\nb: {run: x, timeout: 9m}\nc: {run: x, after: a}\nd: {run: x}"
    )
    assert project.run("plan", "--skip-conflicted", "--out", "c.json").code == 3
    return "c.json"


def test_what_it_leaves_undone_is_said_as_by_a_sync_each_time(project: Project) -> None:
    path = conflicting(project)
    first, again = (project.run("sync", "--plan", path) for _ in range(2))
    assert (first.code, again.code) == (3, 3)
    assert "! conflict b.timeout" in first.out
    assert "Revision 4: 0 added, 1 changed, 0 destroyed." in first.out
    assert "All of this is applied already" in again.out
    for done in (first, again):
        assert done.out.count("Left as they are, with their conflicts: ops/b.\n") == 1
    assert project.run("sync", "--plan", path, "-o", "json").json["skipped"] == ["ops/b"]
    assert project.run("sync", "--auto-approve", "--skip-conflicted").code == 3
    assert project.spec("ops/b")["timeout"] == 300_000
    assert check(project.store) == []


@pytest.mark.parametrize("end", ["set ops/b timeout=9m", "set ops/b timeout=null", "rm ops/b --reason over"])
def test_a_conflict_that_was_settled_since_is_none(project: Project, end: str) -> None:
    path = conflicting(project)
    project.ok(*end.split())
    assert "conflict" not in project.ok("sync", "--plan", path).out


def test_jobs_that_would_not_hold_together_are_said_likewise(project: Project) -> None:
    project.ok("sync", "--plan", "p.json")
    project.ok("set", "ops/d", "after=[c]")
    project.board("ops", "a: {run: y, after: d}\nc: {run: x, after: a}\nd: {run: x}")
    project.board("new", "n: {run: y, every: 1h}")
    assert project.run("plan", "--skip-conflicted", "--out", "k.json").code == 3
    done = project.run("sync", "--plan", "k.json")
    assert done.code == 3
    assert "! conflict jobs would wait for each other: ops/a after ops/d" in done.out
    assert "Left as they are, with their conflicts: ops/a, ops/d." in done.out
    project.ok("set", "ops/d", "after=null")
    assert project.ok("sync", "--plan", "k.json").out.startswith("All of this is applied already")


def test_a_board_that_a_rollback_holds_is_passed_over(project: Project) -> None:
    project.ok("sync", "--plan", "p.json")
    project.ok("rollback", "1", "--board", "ops", "--auto-approve")
    project.board("new", "n: {run: y, every: 1h}")
    project.ok("plan", "--out", "h.json")
    done = project.run("sync", "--plan", "h.json")
    assert done.code == 5
    assert "ops passed over: a rollback holds what is in Redis" in done.err
    project.ok("release", "ops")
    assert project.ok("sync", "--plan", "h.json").out.startswith("All of this is applied already")


def test_what_was_left_out_is_still_said(project: Project) -> None:
    project.run("plan", "--target", "ops/c", "--exclude", "ops/a", "--out", "t.json")
    assert (
        project.ok("sync", "--plan", "t.json", "-o", "json").json["left_out"]
        == project.plan("--target", "ops/c", "--exclude", "ops/a")["left_out"]
    )
