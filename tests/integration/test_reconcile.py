from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.project import Project, dump_of, reset_statistics, write_commands

from jobboard.store.boards import definitions, holds
from jobboard.store.calls.wire import as_bytes, unpack
from jobboard.store.runs.runs import Runs
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.engine import Engine

THREE = """
    backup: {run: pg_dump, cron: "0 2 * * *", timeout: 30m}
    poll: {run: curl, every: 5m}
    report: {run: report, after: backup}
"""
HOUR = 3_600_000


def due_of(project: Project) -> dict[str, float]:
    pairs: Any = project.store.client.zrange(project.store.key("sched"), 0, -1, withscores=True)
    return {member.decode(): score for member, score in pairs}


def cursors(project: Project) -> dict[bytes, bytes]:
    return cast("dict[bytes, bytes]", project.store.client.hgetall(project.store.key("cursor")))


def revision(project: Project) -> int:
    return int(project.store.client.hget(project.store.key("meta"), "revision") or 0)


def test_jobs_are_added_changed_and_destroyed(project: Project) -> None:
    project.board("ops", THREE)
    assert project.counts() == {"add": 3}
    assert "Sync complete! Revision 1: 3 added, 0 changed, 0 destroyed." in project.sync().out
    project.board("ops", 'backup: {run: pg_dump, cron: "0 2 * * *", timeout: 1h}\nnew: {run: x}')
    assert project.counts() == {"add": 1, "change": 1, "destroy": 2}
    project.sync()
    assert set(project.live("ops")) == {"backup", "new"}
    assert project.spec("ops/backup")["timeout"] == HOUR
    assert set(due_of(project)) == {"ops/backup"}
    assert check(project.store) == []


def test_a_sync_with_nothing_to_do_writes_nothing_at_all(project: Project) -> None:
    project.board("ops", THREE)
    project.sync()
    before = dump_of(project.store)
    reset_statistics(project.store)
    assert "No changes. Redis matches the job boards." in project.sync().out
    assert write_commands(project.store) == set()
    assert dump_of(project.store) == before
    assert project.plan()["empty"] is True


def test_a_sync_from_a_new_commit_writes_where_the_board_comes_from_and_nothing_else(
    project: Project,
) -> None:
    project.board("ops", THREE)
    project.commit()
    project.sync()
    before = dump_of(project.store)
    reset_statistics(project.store)
    project.sync()
    assert write_commands(project.store) == set()
    commit = project.commit()
    project.sync()
    after = dump_of(project.store)
    assert {key for key in {**before, **after} if before.get(key) != after.get(key)} == {"boardmeta"}
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    assert record.meta["commit"] == commit
    assert revision(project) == 1


def test_what_file_and_store_came_to_alike_is_recorded(project: Project) -> None:
    project.board("ops", "a: {run: x, timeout: 1m}")
    project.sync()
    project.ok("set", "ops/a", "timeout=2m")
    project.board("ops", "a: {run: x, timeout: 2m}")
    planned = project.run("plan").out
    assert "= a" in planned
    assert "0 to add, 0 to change, 0 to destroy, 1 to record." in planned
    assert "1 recorded" in project.sync().out
    assert project.plan()["empty"]


def test_drift_is_kept_through_any_number_of_syncs(project: Project) -> None:
    project.board("ops", "a: {run: x, timeout: 1m}\nb: {run: x}")
    project.sync()
    project.ok("set", "ops/a", "timeout=9m")
    for command in ("y", "z"):
        project.board("ops", f"a: {{run: {command}, timeout: 1m}}\nb: {{run: x}}")
        project.sync()
        assert project.spec("ops/a") == {"command": {"run": command}, "timeout": 540_000}
        said = project.run("plan").out
        assert "a.timeout 1m here, 9m in Redis (ana, cli, " in said
        assert "No changes." in said
    reset_statistics(project.store)
    project.sync()
    assert write_commands(project.store) == set()


def test_of_two_edited_fields_each_side_keeps_its_own(project: Project) -> None:
    project.board("ops", "a: {run: x, env: {A: '1', B: '1'}, tags: [t, u]}")
    project.sync()
    project.ok("set", "ops/a", "env.A=2", "tags=[t, u, v]", "priority=3")
    project.board("ops", "a: {run: y, env: {A: '1', B: '2'}, tags: [u]}")
    project.sync()
    assert project.spec("ops/a") == {
        "command": {"run": "y"},
        "env": {"A": "2", "B": "2"},
        "tags": ["u", "v"],
        "priority": 3,
    }


class TestConflict:
    @pytest.fixture(autouse=True)
    def _conflict(self, project: Project) -> None:
        project.board("ops", "a: {run: x, timeout: 1m}\nb: {run: x}")
        project.sync()
        project.ok("set", "ops/a", "timeout=2m")
        project.board("ops", "a: {run: x, timeout: 3m}\nb: {run: y}")

    def test_it_stops_everything_and_names_three_values(self, project: Project) -> None:
        before = dump_of(project.store)
        planned = project.run("plan")
        assert planned.code == 3
        for words in (
            "last applied  1m",
            "Redis         2m (ana, cli, ",
            "file          3m   boards/ops.yaml:3",
        ):
            assert words in planned.out
        synced = project.run("sync", "--auto-approve")
        assert synced.code == 3
        assert "both changed ops/a; nothing was written" in synced.err
        assert dump_of(project.store) == before
        plan = project.plan()
        assert (plan["applyable"], plan["empty"]) == (False, False)
        (field,) = plan["boards"][0]["conflicts"][0]["fields"]
        assert (field["base"], field["live"], field["file"]) == (60_000, 120_000, 180_000)
        assert field["edited"]["actor"] == "ana"

    @pytest.mark.parametrize("folder", [".", "boards"])
    @pytest.mark.parametrize(("side", "timeout"), [("file", 180_000), ("live", 120_000)])
    def test_the_way_out_it_prints_works(
        self, project: Project, side: str, timeout: int, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(project.folder / folder)
        lines = project.run("plan").out.splitlines()
        (pasted,) = [line for line in lines if f"--on-conflict {side}" in line]
        words = pasted.partition("jobboard ")[2].split()
        assert project.run(*words, "--auto-approve").code == 0
        assert project.spec("ops/a")["timeout"] == timeout
        assert project.spec("ops/b")["command"] == {"run": "y"}
        said = project.run("plan")
        assert said.code == 0
        assert "No changes." in said.out
        assert ("a.timeout 3m here, 2m in Redis" in said.out) is (side == "live")

    def test_so_does_writing_the_value_into_the_file(self, project: Project) -> None:
        project.board("ops", "a: {run: x, timeout: 2m}\nb: {run: y}")
        project.sync()
        assert project.plan()["empty"]
        assert project.spec("ops/a")["timeout"] == 120_000


def test_a_protected_job_is_destroyed_only_after_a_sync_of_its_own(project: Project) -> None:
    project.board("ops", "a: {run: x, protected: true}\nb: {run: x}")
    project.sync()
    project.board("ops", "b: {run: x}")
    refused = project.run("sync", "--auto-approve")
    assert refused.code == 5
    assert "ops/a is protected" in refused.err
    assert "protected: false" in refused.err
    assert set(project.live("ops")) == {"a", "b"}
    project.board("ops", "a: {run: x}\nb: {run: x}")
    project.sync()
    project.board("ops", "b: {run: x}")
    project.sync()
    assert set(project.live("ops")) == {"b"}


def test_a_board_becomes_empty_only_when_that_is_said(project: Project) -> None:
    project.board("ops", "a: {run: x}")
    project.sync()
    project.board("ops", "")
    refused = project.run("sync", "--auto-approve")
    assert refused.code == 5
    assert "from 1 job to none" in refused.err
    assert "--allow-empty" in refused.err
    assert set(project.live("ops")) == {"a"}
    project.sync("--allow-empty")
    assert project.live("ops") == {}
    assert project.plan()["empty"]


def test_a_board_may_begin_without_jobs(project: Project) -> None:
    project.board("ops", "")
    assert "+ the board, without any job" in project.run("plan").out
    project.sync()
    assert project.plan()["empty"]


def test_a_board_whose_file_is_renamed_is_the_same_board(project: Project) -> None:
    file = project.board("ops", THREE)
    project.sync()
    before = dump_of(project.store, without=("boardmeta",))
    file.rename(file.with_name("operations.yaml"))
    assert "No changes." in project.sync().out
    assert dump_of(project.store, without=("boardmeta",)) == before
    record = definitions.read_board(project.store, "ops")
    assert record is not None
    assert record.meta["path"] == "boards/operations.yaml"


def test_a_destroyed_job_leaves_a_tombstone_until_it_comes_back(project: Project) -> None:
    project.board("ops", "a: {run: x, timeout: 1m}\nb: {run: x}")
    project.commit()
    project.sync()
    project.board("ops", "b: {run: x}")
    commit = project.commit()
    project.sync()
    raw = project.store.client.hget(project.store.key("tombstones"), "ops/a")
    assert raw is not None
    stone = unpack(as_bytes(raw))
    assert stone["by"]["actor"] == "ana"
    assert stone["commit"] == commit
    assert stone["spec"]["timeout"] == 60_000
    project.board("ops", "a: {run: x}\nb: {run: x}")
    project.sync()
    assert not project.store.client.hexists(project.store.key("tombstones"), "ops/a")


def test_a_change_beside_the_schedule_leaves_the_schedule_alone(project: Project) -> None:
    project.board("ops", THREE)
    project.sync()
    before = dump_of(project.store)
    project.board("ops", THREE.replace("timeout: 30m", "timeout: 1h").replace("curl,", "wget,"))
    assert project.counts() == {"change": 2}
    project.sync()
    after = dump_of(project.store)
    for key in ("sched", "cursor", "after:ops/backup"):
        assert before[key] == after[key]


def test_a_changed_schedule_starts_from_now(project: Project, clock: StoreClock) -> None:
    project.board("ops", "a: {run: x, cron: '0 2 * * *'}\nb: {run: x, cron: '0 3 * * *'}")
    project.sync()
    kept = due_of(project)["ops/b"]
    clock.advance(3 * 24 * HOUR)
    project.board("ops", "a: {run: x, cron: '30 * * * *'}\nb: {run: x, cron: '0 3 * * *'}")
    project.sync()
    due = due_of(project)
    assert clock.now() < due["ops/a"] <= clock.now() + HOUR
    assert due["ops/b"] == kept
    assert int(cursors(project)[b"ops/a"]) <= clock.now()


def test_a_queued_run_keeps_the_definition_it_was_queued_with(project: Project, engine: Engine) -> None:
    project.board("ops", "a: {run: old}")
    project.sync()
    run = Runs(project.store).start_run("ops/a", by="ana")
    project.board("ops", "a: {run: new}")
    assert "1 queued run keeps revision 1" in project.run("plan").out
    assert project.plan()["boards"][0]["changes"][0]["queued_runs"] == 1
    project.sync()
    engine.worker()
    reserved = engine.reserve_one()
    assert reserved.run_id == run
    assert reserved.spec["command"] == {"run": "old"}


def test_of_a_destroyed_job_queued_runs_go_and_a_running_one_finishes(
    project: Project, engine: Engine
) -> None:
    project.board("ops", "a: {run: x, overlap: allow}\nb: {run: x}")
    project.sync()
    runs = Runs(project.store)
    engine.worker()
    running = runs.start_run("ops/a", by="ana")
    reserved = engine.reserve_one()
    queued = runs.start_run("ops/a", by="ana")
    project.board("ops", "b: {run: x}")
    assert "1 running run will finish   1 queued run called off" in project.run("plan").out
    project.sync()
    assert engine.state(queued) == "finished"
    assert engine.last("ops/a")[0]["state"] == "cancelled"
    assert engine.state(running) == "running"
    assert engine.finish(reserved) == "FINISHED"
    assert check(project.store) == []


def test_a_plan_tells_the_last_run_of_what_it_destroys(project: Project, engine: Engine) -> None:
    project.board("ops", "a: {run: x}\nb: {run: x}")
    project.sync()
    Runs(project.store).start_run("ops/a", by="ana")
    engine.worker()
    engine.finish(engine.reserve_one())
    project.board("ops", "b: {run: x}")
    (line,) = [line for line in project.run("plan").out.splitlines() if line.startswith("  - a")]
    assert "last run " in line
    assert line.endswith(" ok")


def test_a_disabled_job_is_never_due_and_an_enabled_one_not_at_once(
    project: Project, clock: StoreClock
) -> None:
    project.board("ops", "a: {run: x, cron: '0 * * * *', enabled: false}")
    assert "disabled" in project.run("plan").out
    project.sync()
    assert due_of(project) == {}
    clock.advance(5 * HOUR)
    project.board("ops", "a: {run: x, cron: '0 * * * *'}")
    project.sync()
    assert clock.now() < due_of(project)["ops/a"] <= clock.now() + HOUR
    project.board("ops", "a: {run: x, cron: '0 * * * *', enabled: false}")
    project.sync()
    assert due_of(project) == {}
    assert check(project.store) == []


def test_holds_are_shown_and_outlive_a_sync(project: Project) -> None:
    project.board("ops", THREE)
    project.sync()
    project.board("etl", "x: {run: x}")
    for scope in ("job:ops/poll", "board:elsewhere", "tag:slow", "all"):
        holds.pause(project.store, scope, by={"actor": "luis"}, reason="vendor outage", until_ms=None)
    before = dump_of(project.store)["holds"]
    said = project.run("plan").out
    assert 'held     ops/poll is paused (luis: "vendor outage")' in said
    assert "held     everything is paused" in said
    assert "held     tag slow is paused" in said
    assert "elsewhere" not in said
    project.sync()
    assert dump_of(project.store)["holds"] == before
    assert set(project.plan()["holds"]) == {"all", "job:ops/poll", "tag:slow"}


def test_a_flushed_store_is_filled_again_and_nothing_is_caught_up_with(
    project: Project, clock: StoreClock
) -> None:
    project.board("ops", THREE)
    project.sync()
    offset = project.store.client.hget(project.store.key("meta"), "test_offset_ms") or b"0"
    project.store.client.flushdb()
    project.store.client.hset(project.store.key("meta"), mapping={"test": "1", "test_offset_ms": offset})
    clock.advance(100 * HOUR)
    said = project.sync().out
    assert "first sync, or it was flushed. Nothing that was due before now is caught up with." in said
    assert set(project.live("ops")) == {"backup", "poll", "report"}
    assert min(due_of(project).values()) > clock.now()
    assert Runs(project.store).claim("s1").entries == []
    assert check(project.store) == []


def test_a_first_sync_names_what_is_counted_from_the_first(project: Project) -> None:
    counted = "".join(f"j{n}: {{run: x, every: 1h, runs: {n}}}\n" for n in range(1, 7))
    project.board("ops", counted + "calm: {run: x, delay: 5m}\nplain: {run: x, every: 1h}")
    said = project.sync().out
    assert (
        "Counted from the first, whatever ran before: ops/calm (delay: 5m), ops/j1 (runs: 1),"
        " ops/j2 (runs: 2), ops/j3 (runs: 3), ops/j4 (runs: 4) and 2 more."
    ) in " ".join(said.split())
    project.board("ops", "more: {run: x, every: 1h, runs: 3}")
    assert "Counted from the first" not in project.ok("plan").out


class TestTogether:
    """What no board shows alone."""

    def test_a_parent_on_another_board(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        project.sync()
        project.board("etl", "b: {run: x, after: ops/a}")
        project.sync("boards/etl.yaml")
        assert project.spec("etl/b")["after"] == ["ops/a"]

    def test_an_unknown_parent(self, project: Project) -> None:
        project.board("ops", "a: {run: x}")
        project.sync()
        project.board("etl", "b: {run: x, after: ops/aa}")
        refused = project.run("sync", "--auto-approve", "boards/etl.yaml")
        assert refused.code == 65
        assert "boards/etl.yaml:3" in refused.err
        assert "ops/aa" in refused.err
        assert definitions.read_board(project.store, "etl") is None

    def test_a_parent_another_board_needs(self, project: Project) -> None:
        project.board("ops", "a: {run: x}\nz: {run: x}")
        project.board("etl", "b: {run: x, after: ops/a}")
        project.sync()
        project.board("ops", "z: {run: x}")
        refused = project.run("sync", "--auto-approve", "boards/ops.yaml")
        assert refused.code == 5
        assert "etl/b runs after ops/a, which this would destroy" in refused.err
        assert set(project.live("ops")) == {"a", "z"}
        project.board("etl", "b: {run: x}")
        project.sync()
        assert set(project.live("ops")) == {"z"}

    def test_a_lock_of_another_capacity(self, project: Project) -> None:
        project.board("ops", "a: {run: x, locks: ['3:db']}")
        project.sync()
        project.board("etl", "b: {run: x, locks: [db]}")
        refused = project.run("sync", "--auto-approve", "boards/etl.yaml")
        assert refused.code == 65
        assert 'lock "db" has a capacity of 1 here and of 3 in board ops' in refused.err

    @pytest.mark.parametrize("boards", [("aaa", "zzz"), ("zzz", "aaa")])
    def test_a_circle(self, project: Project, boards: tuple[str, str]) -> None:
        one, other = boards
        project.board(one, "a: {run: x}")
        project.board(other, f"b: {{run: x, after: {one}/a}}")
        project.sync()
        project.board(one, f"a: {{run: x, after: {other}/b}}")
        refused = project.run("sync", "--auto-approve", f"boards/{one}.yaml")
        assert refused.code == 65
        assert f"boards/{one}.yaml:3" in refused.err
        assert "jobs wait for each other" in refused.err
        assert "after" not in project.spec(f"{one}/a")


def test_a_large_board_is_changed_by_one_job_and_keeps_the_others(project: Project) -> None:
    jobs = [f"j{n}: {{run: 'echo {n}', every: 1h}}" for n in range(1300)]
    project.board("ops", "\n".join(jobs))
    project.sync()
    before = dump_of(project.store)
    jobs[700] = "j700: {run: other, every: 1h}"
    project.board("ops", "\n".join(jobs[:1299]))
    project.sync()
    live = project.live("ops")
    assert len(live) == 1299
    assert {job: d.spec["command"]["run"] for job, d in live.items()} == {
        f"j{n}": f"echo {n}" if n != 700 else "other" for n in range(1299)
    }
    assert dump_of(project.store)["cursor"] != before["cursor"]
    assert check(project.store) == []
