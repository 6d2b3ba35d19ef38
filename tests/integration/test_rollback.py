"""Rolling back to a revision: merged like a sync, held afterwards, released by the file or by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobboard.reconcile.applying import apply
from jobboard.reconcile.rollback import plan_rollback
from jobboard.reconcile.sources import Options
from jobboard.store.boards import definitions
from jobboard.store.calls.wire import unpack
from jobboard.store.runs import past
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.project import Project

FIRST = "a: {run: x, timeout: 1m, every: 1h}\nb: {run: x, after: a}"
SECOND = "a: {run: x, timeout: 2m, every: 1h}\nc: {run: y}"


@pytest.fixture(autouse=True)
def _synced(project: Project) -> None:
    project.board("ops", FIRST)
    project.board("web", "w: {run: w}")
    project.sync()
    project.board("ops", SECOND)
    project.sync()


def back(project: Project, *words: str) -> str:
    return project.ok("rollback", "1", "--auto-approve", *words).out


def audited(project: Project, what: str) -> list[tuple[str, Any]]:
    entries: Any = project.store.client.xrange(project.store.key("audit"))
    return [
        (fields[b"subject"].decode(), unpack(fields[b"detail"]))
        for _, fields in entries
        if fields[b"what"].decode() == what
    ]


def test_it_shows_a_plan_and_asks(project: Project) -> None:
    asked = project.run("rollback", "1")
    assert asked.code == 64
    assert "--auto-approve" in asked.err
    assert "sync" not in asked.err
    assert "timeout    2m  →  1m" in asked.out
    assert "Plan: 1 to add, 1 to change, 1 to destroy." in asked.out
    assert set(project.live("ops")) == {"a", "c"}


def test_it_puts_back_what_the_revision_left(project: Project) -> None:
    said = back(project, "--reason", "it broke")
    assert "Revision 3: 1 added, 1 changed, 1 destroyed." in said
    assert "jobboard release ops" in said
    live = project.live("ops")
    assert set(live) == {"a", "b"}
    assert live["a"].spec["timeout"] == live["a"].base["timeout"] == 60_000
    newest = project.ok("history", "-n", "1", "-o", "json").json["revisions"][0]
    assert (newest["rollback"], newest["reason"], newest["boards"]) == (1, "it broke", ["ops"])
    assert project.ok("diff", "1", "3", "-o", "json").json["changes"] == []
    assert check(project.store) == []
    assert "No changes" in back(project)


def test_a_live_edit_stays(project: Project) -> None:
    project.ok("set", "ops/a", "queue=slow")
    back(project)
    assert project.spec("ops/a")["queue"] == "slow"
    assert project.spec("ops/a")["timeout"] == 60_000


def test_an_edit_of_the_same_field_is_a_conflict(project: Project) -> None:
    project.ok("set", "ops/a", "timeout=9m")
    refused = project.run("rollback", "1", "--auto-approve")
    assert refused.code == 3
    assert project.spec("ops/a")["timeout"] == 540_000
    back(project, "--on-conflict", "file")
    assert project.spec("ops/a")["timeout"] == 60_000


def test_syncs_pass_a_held_board_over_and_write_the_rest(project: Project) -> None:
    back(project, "--reason", "it broke")
    project.board("web", "w: {run: other}")
    plan = project.ok("plan").out
    assert 'held at what revision 1 left, rolled back by ana: "it broke"; its file has no say' in plan
    assert project.plan()["boards"][0]["held"]["revision"] == 1
    passed = project.run("sync", "--auto-approve")
    assert passed.code == 5
    assert "jobboard release ops" in passed.err
    assert project.spec("web/w")["command"] == {"run": "other"}
    assert project.spec("ops/a")["timeout"] == 60_000
    assert (
        "No changes. Redis matches the job boards, but for what is rolled back: ops."
        in project.ok("plan").out
    )
    again = project.run("sync", "--auto-approve", "-o", "json")
    assert (again.code, again.json["held"], again.json["revision"]) == (5, ["ops"], None)


def test_a_file_that_says_the_same_releases_it(project: Project) -> None:
    back(project)
    project.board("ops", FIRST)
    assert "No changes." in project.sync().out
    ((subject, detail),) = audited(project, "release")
    assert subject == "ops"
    assert "its file says" in detail["why"]
    project.board("ops", SECOND)
    project.sync()
    assert set(project.live("ops")) == {"a", "c"}


def test_release_gives_the_file_its_say(project: Project) -> None:
    back(project)
    assert "jobboard plan" in project.ok("release", "ops").out
    assert "was not held" in project.ok("release", "ops").out
    assert len(audited(project, "release")) == 1
    assert project.counts() == {"add": 1, "change": 1, "destroy": 1}
    assert project.run("release", "nobody").code == 64


def test_only_the_boards_named_or_changed_take_part(project: Project) -> None:
    project.board("web", "w: {run: other}")
    project.sync()
    back(project, "--board", "web")
    assert project.spec("web/w")["command"] == {"run": "w"}
    assert set(project.live("ops")) == {"a", "c"}
    refused = project.run("rollback", "1", "--board", "nobody")
    assert (refused.code, "no board nobody" in refused.err) == (64, True)
    assert project.run("rollback", "77").code == 64


def test_a_board_that_came_later_needs_a_flag_and_one_that_has_gone_comes_back(project: Project) -> None:
    project.path("web").unlink()
    project.board("new", "n: {run: x}")
    project.sync("--prune-board", "web")
    refused = project.run("rollback", "1", "--auto-approve")
    assert refused.code == 5
    assert "--allow-empty" in refused.err
    back(project, "--allow-empty")
    assert set(project.live("web")) == {"w"}
    assert project.live("new") == {}
    assert check(project.store) == []


def test_what_other_boards_rely_on_is_not_taken_away(project: Project) -> None:
    project.board("web", "w: {run: w, after: ops/c}")
    project.sync()
    refused = project.run("rollback", "1", "--board", "ops", "--auto-approve")
    assert refused.code == 5
    assert "ops/c" in refused.err


def test_a_rollback_that_was_overtaken_is_planned_anew(project: Project) -> None:
    by = {"actor": "ana", "via": "cli"}
    planned = plan_rollback(project.store, 1, None, Options(), by)
    project.ok("set", "ops/a", "queue=slow")
    with pytest.raises(definitions.MovedSince):
        apply(project.store, planned, by)
    other = plan_rollback(project.store, 1, None, Options(), by)
    project.ok("rollback", "1", "--auto-approve")
    assert apply(project.store, other, by).repeated


class TestOverJobsThatGotAnotherAddress:
    """They get the one back that they had, with all that is theirs."""

    HASHED = '{run: x, cron: "H H * * *", jitter: 20m}'

    @pytest.fixture
    def moved(self, project: Project) -> Project:
        project.board("ops", f"dump: {self.HASHED}\nlog: {self.HASHED}")
        project.sync()
        project.board("ops", f"backup: {self.HASHED}", head="moved: [{from: dump, to: backup}]\n")
        project.board("web", f"w: {{run: w}}\nlog: {self.HASHED}", head="moved: [{from: ops/log, to: log}]\n")
        assert "2 moved" in project.sync().out
        return project

    def _due(self, project: Project) -> dict[str, float]:
        pairs: Any = project.store.client.zrange(project.store.key("sched"), 0, -1, withscores=True)
        return {member.decode(): score for member, score in pairs}

    def test_a_rollback_moves_them_back(self, moved: Project) -> None:
        before = self._due(moved)
        run_id = moved.ok("run", "ops/backup", "-o", "json").json["run"]
        moved.ok("pause", "ops/backup", "--reason", "a holiday")
        said = moved.ok("rollback", "3", "--auto-approve").out
        assert "  > backup → dump" in said
        assert "  > web/log → log" in said
        assert "2 moved" in said
        assert self._due(moved) == {"ops/dump": before["ops/backup"], "ops/log": before["web/log"]}
        assert "seed" not in moved.spec("ops/dump")
        assert [run.run_id for run in past.live_runs(moved.store, "ops/dump")] == [run_id]
        assert "ops/dump is paused" in moved.run("plan").out
        assert set(moved.live("ops")) == {"dump", "log"}
        assert set(moved.live("web")) == {"w"}
        assert check(moved.store) == []

    def test_and_the_files_move_them_again_once_they_may(self, moved: Project) -> None:
        before = self._due(moved)
        moved.ok("rollback", "3", "--auto-approve")
        assert moved.run("sync", "--auto-approve").code == 5
        moved.ok("release", "ops")
        moved.ok("release", "web")
        assert moved.counts() == {"move": 2}
        moved.sync()
        assert self._due(moved) == before
        assert check(moved.store) == []

    def test_over_several_and_with_what_else_changed(self, moved: Project) -> None:
        moved.board(
            "ops", f"last: {self.HASHED[:-1]}, timeout: 1h}}", head="moved: [{from: backup, to: last}]\n"
        )
        moved.sync()
        said = moved.ok("rollback", "3", "--auto-approve", "--allow-empty").out
        assert "  > last → dump" in said
        assert "timeout" not in moved.spec("ops/dump")
        assert check(moved.store) == []

    def test_one_whose_place_is_taken_is_another_job(self, moved: Project) -> None:
        moved.board("ops", f"backup: {self.HASHED}\ndump: {{run: other}}")
        moved.sync()
        said = moved.ok("rollback", "3", "--auto-approve").out
        assert "  - backup" in said
        assert "  ~ dump" in said
        assert "  > web/log → log" in said
        assert check(moved.store) == []

    def test_one_that_was_on_no_board_is_so_again(self, project: Project) -> None:
        project.ok("put", "loose/x", "run=mine", "every=5m")
        project.board("web", "w: {run: w}\nx: {run: mine, every: 5m}")
        project.ok("adopt", "loose/x", "web/x")
        project.ok("rollback", "2", "--auto-approve")
        assert project.spec("loose/x")["command"] == {"run": "mine"}
        assert set(project.live("web")) == {"w"}
        assert check(project.store) == []

    def test_one_that_was_let_go_is_on_its_board_again(self, project: Project) -> None:
        project.board("web", "", head="removed: [{job: w, destroy: false}]\n")
        project.sync("--allow-empty")
        assert "& loose/w → w" in project.ok("rollback", "2", "--auto-approve").out
        assert set(project.live("web")) == {"w"}
        assert project.live("loose") == {}
        assert check(project.store) == []

    def test_what_is_on_no_board_otherwise_stays_as_it_is(self, project: Project) -> None:
        project.ok("put", "loose/x", "run=mine")
        said = back(project)
        assert "loose" not in said
        assert project.spec("loose/x")["command"] == {"run": "mine"}

    def test_a_file_that_moves_them_again_says_something_else(self, project: Project) -> None:
        project.board("web", "v: {run: w}", head="moved: [{from: w, to: v}]\n")
        project.sync()
        project.ok("rollback", "2", "--auto-approve")
        assert "held at what revision 2 left" in project.run("plan").out
        assert project.run("sync", "--auto-approve").code == 5
        assert set(project.live("web")) == {"w"}

    def test_a_job_with_the_seed_of_its_old_name_does_not_keep_its_board_held(self, moved: Project) -> None:
        moved.board("ops", f"backup: {self.HASHED[:-1]}, timeout: 1h}}")
        moved.sync()
        moved.ok("rollback", "4", "--auto-approve")
        assert moved.spec("ops/backup")["seed"] == "ops/dump"
        moved.board("ops", f"backup: {self.HASHED}")
        assert moved.sync().code == 0
        assert "ops was not held" in moved.ok("release", "ops").out

    @pytest.mark.parametrize("held", ["ops", "web"])
    def test_no_job_leaves_or_comes_to_a_board_that_is_held(self, moved: Project, held: str) -> None:
        moved.ok("rollback", "3", "--auto-approve")
        moved.ok("release", {"ops": "web", "web": "ops"}[held])
        refused = moved.run("sync", "--auto-approve")
        assert refused.code == 5
        assert f"ops/log is to move, and a rollback holds board {held}" in refused.out
        assert f"jobboard release {held}" in refused.out
        before = moved.live("ops"), moved.live("web")
        assert "log" in before[0]
        assert "log" not in before[1]
        assert check(moved.store) == []

    def test_nor_is_one_taken_over_by_one(self, project: Project) -> None:
        project.board("web", "w: {run: v}\nx: {run: x}")
        project.sync()
        project.ok("rollback", "2", "--auto-approve")
        project.ok("put", "loose/x", "run=x")
        refused = project.run("adopt", "loose/x", "web/x")
        assert (refused.code, "a rollback holds board web" in refused.err) == (64, True)
        assert "loose/x" in project.ok("ls").out

    def test_one_board_gets_back_what_left_it_and_the_other_keeps_the_rest(self, moved: Project) -> None:
        before = self._due(moved)
        moved.ok("set", "web/w", "timeout=5m")
        run_id = moved.ok("run", "web/log", "-o", "json").json["run"]
        moved.ok("pause", "web/log", "--reason", "a holiday")
        done = moved.ok("rollback", "3", "--board", "ops", "--auto-approve").out
        assert "  > web/log → log" in done
        assert "  > log goes to ops/log" in done
        assert "2 moved" in done
        assert "Syncs pass ops over" in done
        assert "Syncs pass web over" not in done
        assert set(moved.live("ops")) == {"dump", "log"}
        assert set(moved.live("web")) == {"w"}
        assert self._due(moved)["ops/log"] == before["web/log"]
        assert [run.run_id for run in past.live_runs(moved.store, "ops/log")] == [run_id]
        assert "ops/log is paused" in moved.run("plan").out
        boards = moved.run("drift", "-o", "json").json["boards"]
        assert [job["job"] for board in boards for job in board["jobs"]] == ["web/w"]
        assert check(moved.store) == []

    def test_the_file_of_the_other_moves_it_again_once_the_board_is_released(self, moved: Project) -> None:
        moved.ok("rollback", "3", "--board", "ops", "--auto-approve")
        refused = moved.run("sync", "--auto-approve")
        assert refused.code == 5
        assert "ops/log is to move, and a rollback holds board ops" in refused.err
        moved.ok("release", "ops")
        assert moved.counts() == {"move": 2}
        moved.sync()
        assert set(moved.live("web")) == {"w", "log"}
        assert check(moved.store) == []

    def test_a_board_is_not_rolled_back_from_under_what_it_took_over(self, moved: Project) -> None:
        refused = moved.run("rollback", "3", "--board", "web", "--auto-approve")
        assert refused.code == 5
        assert "web/log was ops/log at revision 3, and board ops takes no part" in refused.err
        assert "jobboard rollback 3 --board web --board ops" in refused.err
        moved.ok("rollback", "3", "--board", "web", "--board", "ops", "--auto-approve")
        assert set(moved.live("ops")) == {"dump", "log"}
        assert check(moved.store) == []

    def test_nothing_is_taken_from_a_board_that_is_held_itself(self, moved: Project) -> None:
        moved.board("web", f"w: {{run: v}}\nlog: {self.HASHED}", head="moved: [{from: ops/log, to: log}]\n")
        moved.sync()
        moved.ok("rollback", "4", "--board", "web", "--auto-approve")
        refused = moved.run("rollback", "3", "--board", "ops", "--auto-approve")
        assert refused.code == 5
        assert "held at what revision 4 left" in refused.err
        assert "jobboard release web" in refused.err
        moved.ok("rollback", "3", "--board", "ops", "--board", "web", "--auto-approve")
        assert set(moved.live("ops")) == {"dump", "log"}
        assert check(moved.store) == []

    def test_nor_what_others_on_it_run_after(self, moved: Project) -> None:
        moved.board(
            "web",
            f"w: {{run: w, after: log}}\nlog: {self.HASHED}",
            head="moved: [{from: ops/log, to: log}]\n",
        )
        moved.sync()
        refused = moved.run("rollback", "3", "--board", "ops", "--auto-approve")
        assert refused.code == 5
        assert 'web/w: there is no job "log" to run after' in refused.err
        assert "change web/w first, or roll board web back with it: --board web" in refused.err
