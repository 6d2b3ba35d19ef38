"""Jobs that are removed from a board by hand, and jobs that are brought back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest
from kit.project import Project, reset_statistics, write_commands

from jobboard.store.boards import definitions, edits, staging, tombstones
from jobboard.store.runs import past
from jobboard.store.views.fsck import check, repair

if TYPE_CHECKING:
    from kit.clock import StoreClock

HOUR = 3_600_000
DAY = 24 * HOUR
TWO = "dump: {run: x, every: 5m}\nother: {run: y}"
WHY = ("--reason", "the host is gone")


@pytest.fixture
def two(project: Project) -> Project:
    """A project that has synced ops/dump and ops/other."""
    project.board("ops", TWO)
    project.sync()
    return project


def due_of(project: Project) -> dict[str, float]:
    pairs: Any = project.store.client.zrange(project.store.key("sched"), 0, -1, withscores=True)
    return {member.decode(): score for member, score in pairs}


def test_a_job_removed_by_hand_stays_away_and_every_plan_says_so(two: Project) -> None:
    assert "Its file still declares it" in two.ok("rm", "ops/dump", *WHY).out
    assert set(two.live("ops")) == {"other"}
    assert due_of(two) == {}
    for command in ("y", "z"):
        said = two.run("plan").out
        assert "dump was removed from Redis (ana, cli, " in said
        assert 'just now): "the host is gone"; kept' in said
        two.board("ops", f"dump: {{run: x, every: 5m}}\nother: {{run: {command}}}")
        two.sync()
        assert set(two.live("ops")) == {"other"}
        assert check(two.store) == []
    assert "No changes." in two.run("plan").out
    reset_statistics(two.store)
    two.sync()
    assert write_commands(two.store) == set()


def test_what_waits_of_a_removed_job_is_called_off(two: Project) -> None:
    two.ok("run", "ops/dump")
    two.ok("rm", "dump", *WHY)
    assert past.live_runs(two.store, "ops/dump") == []
    (record,) = past.last_records(two.store, "ops/dump")
    assert (record.state, record.reason) == ("cancelled", "the job was removed")


@pytest.mark.parametrize("policy", ["revert", "exact"])
def test_a_policy_makes_it_again(two: Project, policy: str) -> None:
    two.ok("rm", "ops/dump", *WHY)
    assert two.counts("--on-drift", policy) == {"add": 1}
    two.sync("--on-drift", policy)
    assert set(two.live("ops")) == {"dump", "other"}
    assert two.plan()["empty"]
    assert two.plan()["boards"][0]["drift"] == []
    assert check(two.store) == []


def test_a_policy_refuses_it(two: Project) -> None:
    two.ok("rm", "ops/dump", *WHY)
    refused = two.run("plan", "--on-drift", "fail")
    assert refused.code == 3
    assert "ops/dump was edited live: job" in refused.out


def test_taking_it_out_of_the_file_settles_it(two: Project) -> None:
    two.ok("rm", "ops/dump", *WHY)
    two.board("ops", "other: {run: y}")
    two.sync()
    assert check(two.store) == []
    assert two.plan()["boards"][0]["drift"] == []
    record = definitions.read_board(two.store, "ops")
    assert record is not None
    assert record.drift == ()


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_is_left_of_a_removal_that_is_settled_with_other_changes(
    two: Project, *, whole: bool
) -> None:
    two.ok("rm", "ops/dump", *WHY)
    if whole:
        two.path("ops").unlink()
        two.sync("--prune-board", "ops")
    else:
        two.board("ops", "other: {run: changed}")
        two.sync()
    assert edits.read_edits(two.store, ["ops/dump"]) == {}
    assert check(two.store) == []


def test_it_is_drift_for_programs_and_for_the_check_of_every_night_too(two: Project) -> None:
    two.ok("rm", "ops/dump", *WHY)
    (drift,) = two.plan()["boards"][0]["drift"]
    (field,) = drift["fields"]
    assert (field["path"], field["live"], field["file"]) == ("job", "removed", "declared")
    assert field["edited"]["reason"] == "the host is gone"
    nightly = two.run("drift")
    assert nightly.code == 2
    assert "was removed from Redis (ana, cli, " in nightly.out


def test_a_board_of_which_all_jobs_were_removed_is_still_one(two: Project) -> None:
    two.ok("rm", "ops/dump", *WHY)
    two.ok("rm", "ops/other", *WHY)
    assert two.plan()["empty"]
    two.sync("--on-drift", "revert")
    assert set(two.live("ops")) == {"dump", "other"}


def test_a_reason_is_asked_for(two: Project) -> None:
    refused = two.run("rm", "ops/dump")
    assert refused.code == 64
    assert '--reason "…"' in refused.err
    assert set(two.live("ops")) == {"dump", "other"}


def test_a_protected_job_and_one_that_others_run_after_stay(project: Project) -> None:
    project.board("ops", "dump: {run: x, protected: true}\na: {run: x}\nb: {run: y, after: a}")
    project.sync()
    assert "protected=false" in project.run("rm", "ops/dump", *WHY).err
    assert "ops/b runs after ops/a" in project.run("rm", "ops/a", *WHY).err
    assert set(project.live("ops")) == {"a", "b", "dump"}


def test_it_is_brought_back_as_it_was_and_nothing_is_caught_up_with(two: Project, clock: StoreClock) -> None:
    two.ok("set", "ops/dump", "timeout=9m")
    two.ok("rm", "ops/dump", *WHY)
    listed = two.ok("undelete").out
    assert "ops/dump" in listed
    assert "the host is gone" in listed
    clock.advance(3_600_000)
    two.ok("undelete", "dump")
    assert two.spec("ops/dump")["timeout"] == 540_000
    now_ms = clock.now()
    assert now_ms < due_of(two)["ops/dump"] <= now_ms + 300_000
    said = two.run("plan").out
    assert "dump.timeout - here, 9m in Redis" in said
    assert "removed from Redis" not in said
    assert tombstones.read_all(two.store) == {}
    assert check(two.store) == []


def test_what_a_sync_destroyed_comes_back_as_drift(two: Project) -> None:
    two.board("ops", "other: {run: y}")
    two.sync()
    two.ok("undelete", "ops/dump", "--reason", "still needed")
    said = two.run("plan").out
    assert "dump is in Redis and not here (ana, cli, " in said
    assert 'still needed"; kept' in said
    two.sync("--on-drift", "revert")
    assert set(two.live("ops")) == {"dump", "other"}
    two.board("ops", TWO)
    two.sync()
    assert two.plan()["boards"][0]["drift"] == []
    two.board("ops", "other: {run: y}")
    assert two.counts() == {"destroy": 1}


def test_only_an_exact_policy_takes_back_what_was_brought_back(two: Project) -> None:
    two.board("ops", "other: {run: y}")
    two.sync()
    two.ok("undelete", "ops/dump")
    assert two.counts("--on-drift", "exact") == {"destroy": 1}


def test_a_job_of_a_board_that_is_gone_comes_back_on_none(two: Project) -> None:
    two.path("ops").unlink()
    two.sync("--prune-board", "ops")
    assert "the board of ops/dump is gone" in two.ok("undelete", "ops/dump").out
    assert two.spec("loose/dump")["schedule"] == {"every": 300_000}
    assert two.spec("loose/dump")["seed"] == "ops/dump"
    assert check(two.store) == []


def test_a_loose_job_comes_back_too(project: Project) -> None:
    project.ok("put", "x", "every=5m", "--", "true")
    assert project.ok("rm", "loose/x", "-o", "json").json == {"job": "loose/x", "outcome": "removed"}
    (gone,) = project.ok("undelete", "-o", "json").json["gone"]
    assert (gone["job"], gone["by"], gone["via"], gone["by_hand"]) == ("loose/x", "ana", "cli", True)
    project.ok("undelete", "loose/x")
    assert project.spec("loose/x")["schedule"] == {"every": 300_000}
    assert "is there already" in project.run("undelete", "loose/x").err
    assert check(project.store) == []


def test_what_is_not_known_is_not_brought_back(two: Project) -> None:
    assert two.run("undelete", "ops/never").code == 64
    assert two.ok("undelete").out == "No job is gone.\n"
    assert two.ok("undelete", "-o", "json").json == {"gone": []}


def test_a_flushed_store_is_told_from_jobs_removed_by_hand(two: Project) -> None:
    two.ok("rm", "ops/dump", *WHY)
    for key in two.store.client.scan_iter(match=two.store.key("").replace("{", "\\{") + "*"):
        two.store.client.unlink(key)
    said = two.run("plan").out
    assert said.count("this is its first sync, or it was flushed") == 1
    assert two.counts() == {"add": 2}
    two.sync()
    assert set(two.live("ops")) == {"dump", "other"}


def test_removing_and_bringing_back_are_written_down(two: Project) -> None:
    two.ok("rm", "ops/dump", *WHY)
    two.ok("undelete", "ops/dump", "--reason", "oh")
    entries: Any = two.store.client.xrevrange(two.store.key("audit"), count=2)
    assert [entry[1][b"what"] for entry in entries] == [b"undelete", b"rm"]
    assert [entry[1][b"subject"] for entry in entries] == [b"ops/dump", b"ops/dump"]


def test_a_sync_of_a_part_a_saved_plan_and_a_rollback_leave_it_removed(two: Project) -> None:
    two.ok("rm", "ops/dump", *WHY)
    for command, words in (("p", ("--target", "ops/other")), ("q", ("--plan", "plan.json"))):
        two.board("ops", f"dump: {{run: x, every: 5m}}\nother: {{run: {command}}}")
        if command == "q":
            two.ok("plan", "--out", "plan.json")
            two.ok("sync", *words)
        else:
            two.sync(*words)
        assert "dump was removed from Redis (ana, cli, " in two.run("plan").out
        assert set(two.live("ops")) == {"other"}
    two.ok("rollback", "2", "--auto-approve")
    two.ok("release", "ops")
    assert "dump was removed from Redis (ana, cli, " in two.run("plan").out
    assert check(two.store) == []


class TestAFileThatChangesARemovedJob:
    """Both sides changed one thing, the job, and differently: a conflict."""

    LATER = "dump: {run: x, every: 5m, timeout: 1h}\nother: {run: y}"

    @pytest.fixture(autouse=True)
    def _changed(self, two: Project) -> None:
        two.ok("rm", "ops/dump", *WHY)
        two.board("ops", self.LATER)

    def _ways_out(self, project: Project) -> dict[str, list[str]]:
        lines = project.run("plan").out.splitlines()
        ways = [
            line.split("jobboard ", 1) for line in lines if line.startswith("      ") and "jobboard " in line
        ]
        return {way.strip(" :"): shlex.split(command) for way, command in ways}

    def test_it_is_shown_with_both_sides_and_keeps_everything_back(self, two: Project) -> None:
        said = two.run("plan")
        assert said.code == 3
        assert "conflict dump was removed from Redis (ana, cli, " in said.out
        assert 'just now): "the host is gone"; the file changes it   boards/ops.yaml:' in said.out
        assert "timeout    -  →  1h" in said.out
        refused = two.run("sync", "--auto-approve")
        assert (refused.code, "the file and Redis both changed ops/dump" in refused.err) == (3, True)
        (conflict,) = two.plan()["boards"][0]["conflicts"]
        assert [field["path"] for field in conflict["fields"]] == ["job"]
        assert [(f["path"], f["live"], f["result"]) for f in conflict["moved"]] == [("timeout", None, HOUR)]

    def test_taking_the_file_brings_it_back_as_that_says(self, two: Project) -> None:
        two.ok(*self._ways_out(two)["take the file"], "--auto-approve")
        assert two.spec("ops/dump")["timeout"] == HOUR
        assert two.plan()["empty"]
        assert two.plan()["boards"][0]["drift"] == []
        assert check(two.store) == []

    def test_so_does_forcing_it_alone(self, two: Project) -> None:
        two.ok("sync", "--force-conflicts=ops/dump:job", "--auto-approve")
        assert set(two.live("ops")) == {"dump", "other"}

    def test_keeping_redis_leaves_it_away_and_the_base_follows(self, two: Project) -> None:
        done = two.ok(*self._ways_out(two)["keep Redis"], "--auto-approve").out
        assert "= dump" in done
        assert "stays away; what its file says now is remembered" in done
        assert "1 recorded" in done
        assert set(two.live("ops")) == {"other"}
        said = two.run("plan").out
        assert "No changes." in said
        assert "dump was removed from Redis (ana, cli, " in said
        assert 'just now): "the host is gone"; kept' in said
        two.board("ops", TWO)
        assert "conflict dump was removed" in two.run("plan").out
        assert check(two.store) == []

    def test_it_comes_back_beside_what_the_file_says_now(self, two: Project) -> None:
        two.sync("--on-conflict", "live")
        two.ok("undelete", "ops/dump")
        assert "timeout" not in two.spec("ops/dump")
        assert "dump.timeout 1h here, - in Redis (ana, cli, " in two.run("plan").out

    def test_taking_it_out_of_the_file_settles_it(self, two: Project) -> None:
        assert "take the job out of boards/ops.yaml and" in two.run("plan").out
        two.board("ops", "other: {run: y}")
        two.sync()
        assert edits.read_edits(two.store, ["ops/dump"]) == {}
        assert check(two.store) == []

    def test_the_rest_can_be_written_without_it(self, two: Project) -> None:
        two.board("ops", self.LATER.replace("run: y", "run: z"))
        left = two.run("sync", "--skip-conflicted", "--auto-approve")
        assert (left.code, two.spec("ops/other")["command"]) == (3, {"run": "z"})
        assert "Left as they are, with their conflicts: ops/dump." in left.out
        assert "conflict dump was removed from Redis (ana, cli, " in two.run("plan").out
        assert check(two.store) == []

    def test_a_saved_plan_writes_it_once_and_knows_it_afterwards(self, two: Project) -> None:
        two.ok("plan", "--on-conflict", "live", "--out", "plan.json")
        two.ok("plan", "--on-conflict", "live", "--out", "other.json")
        two.ok("sync", "--plan", "plan.json")
        assert "applied already" in two.ok("sync", "--plan", "plan.json").out
        assert two.plan()["empty"]
        two.board("ops", TWO)
        two.sync("--on-conflict", "live")
        two.board("ops", TWO.replace("5m", "6m"))
        two.sync("--on-conflict", "live")
        stale = two.run("sync", "--plan", "other.json")
        assert (stale.code, "ops/dump (applied since)" in stale.err) == (4, True)

    def test_what_reverts_live_edits_does_not_decide_it(self, two: Project) -> None:
        assert two.run("plan", "--on-drift", "revert").out.count("! conflict") == 1
        assert two.counts("--on-drift", "revert", "--on-conflict", "file") == {"add": 1}


class TestWhatIsKeptOfJobsThatAreGone:
    """Ninety days and ten thousand jobs; of one that stays away although it is declared, as long as it is."""

    def test_it_is_forgotten_after_ninety_days(self, two: Project, clock: StoreClock) -> None:
        two.board("ops", "dump: {run: x, every: 5m}")
        two.sync()
        clock.advance(90 * DAY - 60_000)
        staging.collect(two.store)
        assert set(tombstones.read_all(two.store)) == {"ops/other"}
        clock.advance(120_000)
        staging.collect(two.store)
        assert tombstones.read_all(two.store) == {}
        assert check(two.store) == []

    def test_one_that_the_file_declares_is_not(self, two: Project, clock: StoreClock) -> None:
        two.ok("rm", "ops/dump", *WHY)
        for _ in range(2):
            clock.advance(91 * DAY)
            staging.collect(two.store)
        assert set(tombstones.read_all(two.store)) == {"ops/dump"}
        assert "dump was removed from Redis" in two.run("plan").out
        two.board("ops", "other: {run: y}")
        two.sync()
        clock.advance(91 * DAY)
        staging.collect(two.store)
        assert tombstones.read_all(two.store) == {}

    def test_the_oldest_of_too_many_go_first(self, two: Project, clock: StoreClock) -> None:
        two.ok("rm", "ops/dump", *WHY)
        stone: Any = two.store.client.hget(two.store.key("tombstones"), "ops/dump")
        names = {f"old/j{n}": clock.now() + n for n in range(10_601)}
        two.store.client.hset(two.store.key("tombstones"), mapping=dict.fromkeys(names, stone))
        two.store.client.zadd(two.store.key("buried"), names)
        clock.advance(60_000)
        staging.collect(two.store)
        kept = tombstones.read_all(two.store)
        assert len(kept) == 10_000
        assert "ops/dump" in kept
        assert "old/j600" not in kept
        assert "old/j10600" in kept

    def test_fsck_finds_what_would_be_kept_for_ever(self, two: Project) -> None:
        two.ok("rm", "ops/dump", *WHY)
        two.store.client.zrem(two.store.key("buried"), "ops/dump")
        two.store.client.zadd(two.store.key("buried"), {"ops/never": 1})
        found = {str(problem) for problem in repair(two.store)}
        assert found == {
            "ops/dump is gone, and would be remembered for ever",
            "ops/never is listed as gone, and nothing is known of it",
        }
        assert check(two.store) == []
        two.ok("undelete", "ops/dump")
        assert two.store.client.zcard(two.store.key("buried")) == 0
