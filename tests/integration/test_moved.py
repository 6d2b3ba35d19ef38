"""Jobs that get another address: what they keep, what stands in the way, and what the plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.engine import Engine
from kit.project import Project, dump_of, reset_statistics, write_commands

from jobboard.core.jobs.model import seed_of
from jobboard.core.times.schedule import compile_schedule
from jobboard.store.boards import definitions, history, staging
from jobboard.store.runs import counts, past
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.clock import StoreClock

DAY = 86_400_000
HASHED = '{run: x, cron: "H H * * *", jitter: 20m}'
RENAMED = "moved:\n  - {from: dump, to: backup}\n"


def due_of(project: Project) -> dict[str, float]:
    pairs: Any = project.store.client.zrange(project.store.key("sched"), 0, -1, withscores=True)
    return {member.decode(): score for member, score in pairs}


def cursor_of(project: Project, address: str) -> bytes | None:
    return cast("bytes | None", project.store.client.hget(project.store.key("cursor"), address))


def renamed(project: Project, jobs: str = f"backup: {HASHED}", head: str = RENAMED) -> None:
    project.board("ops", jobs, head=head)


@pytest.fixture
def dumped(project: Project) -> Project:
    """A project that has synced ops/dump."""
    project.board("ops", f"dump: {HASHED}")
    project.sync()
    return project


def test_what_was_counted_of_its_days_goes_with_it(dumped: Project, clock: StoreClock) -> None:
    engine = Engine(dumped.store)
    engine.worker()
    for _ in range(2):
        dumped.ok("run", "ops/dump")
        engine.finish(engine.reserve_one())
        clock.advance(DAY)
    since = clock.now() - 20 * DAY
    before = counts.of_job(dumped.store, "ops/dump", since, clock.now())
    assert [tally.states for tally in before.values()] == [{"ok": 1}, {"ok": 1}]
    renamed(dumped)
    dumped.sync()
    assert counts.of_job(dumped.store, "ops/backup", since, clock.now()) == before
    assert counts.of_job(dumped.store, "ops/dump", since, clock.now()) == {}
    assert check(dumped.store) == []


def test_a_run_of_before_is_destroyed_whole(dumped: Project) -> None:
    engine = Engine(dumped.store)
    engine.worker()
    dumped.ok("run", "ops/dump")
    engine.finish(engine.reserve_one())
    renamed(dumped)
    dumped.sync()
    (run,) = past.known_runs(dumped.store, "ops/backup")
    assert run.job == "ops/dump"
    dumped.ok("destroy", f"ops/backup@{run.suffix}", "--auto-approve")
    assert past.known_runs(dumped.store, "ops/backup") == []
    assert check(dumped.store) == []


def test_a_renamed_job_keeps_its_times(dumped: Project) -> None:
    due, cursor = due_of(dumped)["ops/dump"], cursor_of(dumped, "ops/dump")
    renamed(dumped)
    planned = dumped.run("plan").out
    assert "  > dump → backup" in planned
    assert "0 to add, 0 to change, 0 to destroy, 1 to move." in planned
    assert "1 moved" in dumped.sync().out
    assert due_of(dumped) == {"ops/backup": due}
    assert cursor_of(dumped, "ops/backup") == cursor
    assert cursor_of(dumped, "ops/dump") is None
    spec = dumped.spec("ops/backup")
    assert spec["seed"] == "ops/dump"
    first = compile_schedule(spec["schedule"], seed_of("ops/backup", spec))
    assert first.due(first.next_after(int(cursor or 0)) or 0) == due
    assert check(dumped.store) == []


def test_everything_that_shows_times_shows_the_same_ones_after_a_move(dumped: Project) -> None:
    def times(job: str) -> Any:
        return [fire["due"] for fire in dumped.ok("next", job, "-o", "json").json["fires"]]

    before = times("ops/dump")
    renamed(dumped)
    dumped.sync()
    assert times("ops/backup") == before
    assert dumped.ok("show", "ops/backup", "-o", "json").json["next"][0] == before[0]


def test_a_job_whose_times_hash_nothing_stores_no_seed(project: Project) -> None:
    project.board("ops", 'dump: {run: x, cron: "0 2 * * *"}')
    project.sync()
    renamed(project, 'backup: {run: x, cron: "0 2 * * *"}')
    project.sync()
    assert "seed" not in project.spec("ops/backup")


def test_a_line_left_in_place_and_one_taken_out_change_nothing(dumped: Project) -> None:
    renamed(dumped)
    dumped.sync()
    before = dump_of(dumped.store)
    reset_statistics(dumped.store)
    assert "No changes." in dumped.sync().out
    assert write_commands(dumped.store) == set()
    assert dump_of(dumped.store) == before
    renamed(dumped, head="")
    assert dumped.plan()["empty"]
    assert dumped.spec("ops/backup")["seed"] == "ops/dump"


def test_moving_and_changing_go_in_one_step(dumped: Project) -> None:
    renamed(dumped, 'backup: {run: y, cron: "H H * * *", timeout: 5m}')
    (change,) = dumped.plan()["boards"][0]["changes"]
    assert (change["action"], change["source"]) == ("move", "ops/dump")
    assert {field["path"] for field in change["fields"]} == {"command", "schedule", "timeout"}
    dumped.sync()
    assert dumped.spec("ops/backup")["timeout"] == 300_000
    assert set(due_of(dumped)) == {"ops/backup"}
    assert check(dumped.store) == []


def test_what_was_edited_live_stays_drift_after_a_move(dumped: Project) -> None:
    dumped.ok("set", "ops/dump", "timeout=9m")
    renamed(dumped)
    dumped.sync()
    assert dumped.spec("ops/backup")["timeout"] == 540_000
    said = dumped.run("plan").out
    assert "backup.timeout - here, 9m in Redis (ana, cli, " in said
    assert "No changes." in said


def test_a_conflict_of_a_moved_job_is_one(dumped: Project) -> None:
    dumped.ok("set", "ops/dump", "timeout=9m")
    renamed(dumped, 'backup: {run: x, cron: "H H * * *", jitter: 20m, timeout: 1m}')
    assert dumped.run("plan").code == 3
    dumped.sync("--on-conflict", "file")
    assert dumped.spec("ops/backup")["timeout"] == 60_000


def test_holds_and_runs_come_along(dumped: Project) -> None:
    engine = Engine(dumped.store)
    dumped.ok("pause", "ops/dump", "--reason", "vendor")
    dumped.ok("run", "ops/dump", "--force")
    (queued,) = past.live_runs(dumped.store, "ops/dump")
    renamed(dumped)
    assert "ops/dump is paused" in dumped.run("plan").out
    dumped.sync()
    (moved,) = past.live_runs(dumped.store, "ops/backup")
    assert (moved.run_id, moved.job, moved.state) == (queued.run_id, "ops/backup", "queued")
    assert "vendor" in dumped.ok("show", "ops/backup").out
    assert check(dumped.store) == []
    engine.worker()
    reserved = engine.reserve_one()
    engine.finish(reserved)
    (record,) = past.last_records(dumped.store, "ops/backup")
    assert (record.run_id, record.job, record.state) == (queued.run_id, "ops/backup", "ok")


def test_runs_that_stand_in_line_come_along(project: Project, clock: StoreClock) -> None:
    queueing = "{run: x, every: 1h, phase: 0, overlap: queue}"
    project.board("ops", f"dump: {queueing}")
    project.sync()
    engine = Engine(project.store)
    engine.epochs["ops/dump"] = project.live("ops")["dump"].epoch
    hour = int(due_of(project)["ops/dump"])
    clock.set(hour + 3_600_000)
    runs = [engine.fired("ops/dump", hour + place * 3_600_000) for place in (0, 1)]
    renamed(project, f"backup: {queueing}")
    project.sync()
    states = {run.run_id: run.state for run in past.live_runs(project.store, "ops/backup")}
    assert states == {runs[0]: "queued", runs[1]: "blocked"}
    assert not project.store.client.exists(project.store.key("line", "ops/dump"))
    engine.worker()
    engine.finish(engine.reserve_one())
    assert engine.reserve_one().run_id == runs[1]
    assert check(project.store) == []


def test_past_runs_are_those_of_the_job_under_its_new_name(dumped: Project) -> None:
    dumped.ok("run", "ops/dump", "--force")
    engine = Engine(dumped.store)
    engine.worker()
    engine.finish(engine.reserve_one())
    renamed(dumped)
    dumped.sync()
    assert [r.state for r in past.last_records(dumped.store, "ops/backup")] == ["ok"]
    assert past.last_records(dumped.store, "ops/dump") == []


def test_a_claim_made_before_a_move_fires_nothing_and_the_job_fires_once(
    dumped: Project, clock: StoreClock
) -> None:
    due = int(due_of(dumped)["ops/dump"])
    clock.set(due)
    engine = Engine(dumped.store)
    (claimed,) = engine.runs.claim("s1").entries
    engine.epochs["ops/dump"] = dumped.live("ops")["dump"].epoch
    renamed(dumped)
    dumped.sync()
    assert engine.decide("ops/dump", due, next_due=due + 86_400_000)[0] in ("STALE", "GONE")
    (again,) = engine.runs.claim("s1").entries
    assert (claimed.address, again.address, again.due_ms) == ("ops/dump", "ops/backup", due)


def test_names_that_changed_twice_are_followed_to_the_end(dumped: Project) -> None:
    lines = "moved:\n  - {from: dump, to: save}\n  - {from: save, to: backup}\n"
    renamed(dumped, head=lines)
    assert dumped.counts() == {"move": 1}
    dumped.sync()
    assert dumped.spec("ops/backup")["seed"] == "ops/dump"
    renamed(dumped, f"dump: {HASHED}", head="moved: [{from: backup, to: dump}]\n")
    dumped.sync()
    assert "seed" not in dumped.spec("ops/dump")


def test_a_job_comes_from_another_board(dumped: Project) -> None:
    dumped.board("web", "page: {run: x}")
    dumped.sync()
    due = due_of(dumped)["ops/dump"]
    dumped.board("web", f"page: {{run: x}}\nbackup: {HASHED}", head="moved: [{from: ops/dump, to: backup}]\n")
    said = dumped.run("plan")
    assert said.code == 5
    assert "ops/dump is to move, and " in said.out
    dumped.board("ops", "other: {run: x}")
    planned = dumped.ok("plan").out
    assert "> ops/dump → backup" in planned
    assert "> dump goes to web/backup" in planned
    dumped.sync()
    assert due_of(dumped) == {"web/backup": due}
    assert set(dumped.live("ops")) == {"other"}
    assert check(dumped.store) == []


def test_a_board_whose_jobs_have_all_moved_goes(dumped: Project) -> None:
    dumped.path("ops").unlink()
    dumped.board("infra", f"dump: {HASHED}", head="moved: [{from: ops/dump, to: dump}]\n")
    dumped.sync()
    assert set(definitions.read_boards(dumped.store)) == {"infra"}
    assert set(due_of(dumped)) == {"infra/dump"}
    assert check(dumped.store) == []
    assert dumped.plan()["empty"]


def test_a_dependent_is_told_the_new_name(project: Project) -> None:
    project.board("ops", "dump: {run: x}\nreport: {run: y, after: dump}")
    project.sync()
    renamed(project, "backup: {run: x}\nreport: {run: y, after: dump}")
    refused = project.run("plan")
    assert refused.code == 65
    assert "boards/ops.yaml:6" in refused.err
    assert 'the job "dump" is called "backup" now' in refused.err
    renamed(project, "backup: {run: x}\nreport: {run: y, after: backup}")
    project.sync()
    assert check(project.store) == []
    children: Any = project.store.client.smembers(project.store.key("after", "ops/backup"))
    assert children == {b"ops/report"}


def test_a_dependent_on_a_board_that_takes_no_part_is_in_the_way(dumped: Project) -> None:
    dumped.board("web", "report: {run: y, after: ops/dump}")
    dumped.sync()
    renamed(dumped)
    refused = dumped.run("plan", str(dumped.path("ops")))
    assert refused.code == 5
    assert "web/report runs after ops/dump, which this would move to ops/backup" in refused.out


@pytest.mark.parametrize(
    ("lines", "jobs", "message"),
    [
        ("{from: a, to: b}", "a: {run: x}\nb: {run: x}", '"a" is still a job of this board'),
        ("{from: a, to: c}", "b: {run: x}", 'there is no job "c" on board ops'),
        ("{from: b, to: b}", "b: {run: x}", '"b" is the name it had'),
        ("{from: a, to: web/b}", "b: {run: x}", "web/b is on another board"),
        (
            "{from: a, to: b}, {from: a, to: c}",
            "b: {run: x}\nc: {run: x}",
            "ops/a is said to have moved twice",
        ),
        ("{from: a, to: b}, {from: c, to: b}", "b: {run: x}", "ops/a is said to have become ops/b already"),
        (
            "{from: a, to: c}, {from: c, to: a}",
            "b: {run: x}",
            "names go in a circle: ops/a to ops/c",
        ),
        ("{from: a}", "b: {run: x}", 'this move has no "to"'),
        ("{from: a b, to: b}", "b: {run: x}", '"a b" is no name for a job'),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_its_place(
    project: Project, lines: str, jobs: str, message: str
) -> None:
    project.board("ops", jobs, head=f"moved: [{lines}]\n")
    refused = project.run("lint")
    assert refused.code == 65
    assert "boards/ops.yaml:2:" in refused.err + refused.out
    assert message in refused.err + refused.out


def test_a_job_is_never_moved_onto_another(dumped: Project) -> None:
    dumped.board("ops", f"dump: {HASHED}\nbackup: {{run: y}}")
    dumped.sync()
    renamed(dumped)
    refused = dumped.run("plan")
    assert refused.code == 65
    assert "there is a job ops/backup already, beside ops/dump that is to become it" in refused.err


def test_a_new_name_without_a_line_draws_a_hint_that_works(dumped: Project) -> None:
    renamed(dumped, head="")
    said = dumped.run("plan", "--allow-empty").out
    assert "ops/dump goes and ops/backup comes, and both say the same." in said
    lines = [line[6:] for line in said.splitlines() if "moved:" in line or "- {from: " in line]
    renamed(dumped, head="\n".join(lines) + "\n")
    assert dumped.counts() == {"move": 1}


def test_a_protected_job_may_be_renamed(project: Project) -> None:
    project.board("ops", "dump: {run: x, protected: true}")
    project.sync()
    renamed(project, "backup: {run: x, protected: true}")
    project.sync()
    assert project.spec("ops/backup")["protected"] is True


def test_history_and_blame_follow_a_job_to_its_earlier_name(dumped: Project) -> None:
    renamed(dumped)
    dumped.sync()
    found = [(r.number, c.address, c.action) for r, c in history.changes_of(dumped.store, "ops/backup")]
    assert found == [(2, "ops/backup", "move"), (1, "ops/dump", "add")]
    assert "> ops/dump → ops/backup" in dumped.ok("history", "show", "2").out
    assert history.bases_at(dumped.store, 1).keys() == {"ops/dump"}
    assert "seed" not in dumped.ok("blame", "ops/backup").out


def test_live_edits_of_a_moved_job_leave_its_seed_alone(dumped: Project) -> None:
    renamed(dumped)
    dumped.sync()
    dumped.ok("set", "ops/backup", "timeout=1m")
    assert dumped.spec("ops/backup")["seed"] == "ops/dump"
    dumped.sync("--on-drift", "exact")
    assert dumped.spec("ops/backup")["seed"] == "ops/dump"
    assert "timeout" not in dumped.spec("ops/backup")


def test_a_job_that_is_let_go_runs_on_as_before(dumped: Project) -> None:
    due = due_of(dumped)["ops/dump"]
    dumped.board("ops", "other: {run: x}", head="removed: [{job: dump, destroy: false}]\n")
    assert dumped.counts() == {"add": 1, "forget": 1}
    planned = dumped.run("plan").out
    assert "dump goes to loose/dump" in planned
    assert "1 to forget." in planned
    dumped.sync()
    assert due_of(dumped) == {"loose/dump": due}
    assert dumped.spec("loose/dump")["seed"] == "ops/dump"
    assert check(dumped.store) == []
    assert dumped.plan()["empty"]
    dumped.ok("put", "more", "every=5m", "--", "true")
    assert set(dumped.live("loose")) == {"dump", "more"}
    dumped.ok("rm", "loose/dump")
    assert check(dumped.store) == []


def test_a_job_let_go_never_takes_the_place_of_another(dumped: Project) -> None:
    dumped.ok("put", "dump", "--", "true")
    dumped.board("ops", "other: {run: x}", head="removed: [{job: dump, destroy: false}]\n")
    refused = dumped.run("plan")
    assert refused.code == 65
    assert "there is a job loose/dump already" in refused.err


def test_a_line_that_destroys_says_what_the_file_says_anyway(dumped: Project) -> None:
    dumped.board("ops", "other: {run: x}", head="removed: [{job: dump}]\n")
    assert dumped.counts() == {"add": 1, "destroy": 1}


def test_a_board_that_another_one_removes_goes_without_a_flag(dumped: Project) -> None:
    dumped.board("web", "page: {run: x}", head="removed: [{board: ops}]\n")
    dumped.sync()
    assert set(definitions.read_boards(dumped.store)) == {"ops", "web"}
    dumped.path("ops").unlink()
    dumped.sync()
    assert set(definitions.read_boards(dumped.store)) == {"web"}
    assert dumped.plan()["empty"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{job: b}", '"b" is still a job of this board'),
        ("{job: web/x}", "web/x is on another board"),
        ("{board: ops}", "a board cannot remove itself"),
        ("{board: web, destroy: false}", "only a job can go on without its board"),
        ("{job: a, board: web}", "one line removes one job, or one board"),
        ("{destroy: false}", "one line removes one job, or one board"),
    ],
)
def test_what_cannot_be_removed_is_an_error_with_its_place(project: Project, line: str, message: str) -> None:
    project.board("ops", "b: {run: x}", head=f"removed: [{line}]\n")
    refused = project.run("lint")
    assert refused.code == 65
    assert "boards/ops.yaml:2:" in refused.err + refused.out
    assert message in refused.err + refused.out


def test_an_unmanaged_job_is_adopted_where_the_file_says_the_same(project: Project) -> None:
    project.ok("put", "dump", "every=5m", "--", "true")
    due = due_of(project)["loose/dump"]
    project.board("ops", "dump: {exec: ['true'], every: 5m}", head="moved: [{from: loose/dump, to: dump}]\n")
    planned = project.run("plan").out
    assert "Plan: 1 to adopt, 0 to add, 0 to change, 0 to destroy." in planned
    project.sync()
    assert due_of(project) == {"ops/dump": due}
    assert project.live("loose") == {}
    assert not project.live("ops")["dump"].drifted
    assert check(project.store) == []
    assert project.plan()["empty"]


def test_one_that_differs_is_a_conflict(project: Project) -> None:
    project.ok("put", "dump", "every=5m", "--", "true")
    project.board("ops", "dump: {exec: ['true'], every: 9m}", head="moved: [{from: loose/dump, to: dump}]\n")
    assert project.run("plan").code == 3
    project.sync("--on-conflict", "file")
    assert project.spec("ops/dump")["schedule"]["every"] == 540_000


def test_an_override_comes_along_and_ends_when_it_would_have(dumped: Project) -> None:
    dumped.ok("override", "set", "ops/dump", "timeout=9m", "--reason", "slow disk", "--for", "2h")
    renamed(dumped)
    dumped.sync()
    (override,) = dumped.live("ops")["backup"].overrides
    assert (override.path, override.value) == ("timeout", 540_000)
    ends: Any = dumped.store.client.zrange(dumped.store.key("overrides"), 0, -1, withscores=True)
    assert [(member, score) for member, score in ends] == [(b"ops/backup", override.until_ms)]
    assert check(dumped.store) == []


def test_until_a_sync_is_drained_a_claim_finds_the_job_under_its_new_name(
    dumped: Project, clock: StoreClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = int(due_of(dumped)["ops/dump"])
    renamed(dumped)
    with monkeypatch.context() as patched:
        patched.setattr(staging, "drain", lambda _store: 0)
        dumped.sync()
    assert due_of(dumped) == {"ops/dump": due}
    clock.set(due)
    engine = Engine(dumped.store)
    found = [entry.address for _ in range(2) for entry in engine.runs.claim("s1").entries]
    assert found == ["ops/backup"]
    staging.drain(dumped.store)
    assert due_of(dumped) in ({}, {"ops/backup": due})
    assert check(dumped.store) == []
