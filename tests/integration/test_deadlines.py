"""Bounds in time: runs that start too late are skipped, late ones are told of, jobs that fall silent too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit import work
from kit.engine import MINUTE, NEVER, Engine

from jobboard import errors
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.runs import past, pushes
from jobboard.store.runs.events import read_events
from jobboard.store.runs.incidents import read_incidents
from jobboard.store.runs.world import read_job_facts
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from pathlib import Path

    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store
    from jobboard.store.runs.exchange import Reserved

HOUR = 60 * MINUTE
JOB = "ops/a"


@pytest.fixture
def engine(store: Store, clock: StoreClock) -> Engine:
    clock.set(1_800_000_000_000)
    return Engine(store)


def fired(engine: Engine, clock: StoreClock, **spec: Any) -> str:
    """A run of a job, due now."""
    engine.define(JOB, **spec)
    return engine.fired(JOB, clock.now())


def look(engine: Engine) -> int | None:
    """A scheduler's look; when it wants to look again. Everything holds together after it."""
    next_at_ms = engine.runs.tick("s1").next_at_ms
    assert fsck.check(engine.store) == []
    return next_at_ms


def take(engine: Engine) -> Reserved:
    """The one run that a worker gets."""
    engine.worker()
    return engine.reserve_one()


def record(engine: Engine, run_id: str) -> Record:
    found = past.read_run(engine.store, run_id)
    assert found is not None
    return found


def told_of(engine: Engine, *kinds: str) -> list[tuple[str, str, str]]:
    """Events of some kinds: kind, job, run."""
    events = read_events(engine.store, "0-0", block_ms=1)
    return [(e["e"], e["job"], e["run"]) for e in events if e["e"] in kinds]


def open_incidents(engine: Engine) -> list[tuple[str, str]]:
    return [(incident.kind, incident.subject) for incident in read_incidents(engine.store)]


# ---- start_within


def test_a_run_that_has_not_started_in_time_is_skipped(engine: Engine, clock: StoreClock) -> None:
    run_id = fired(engine, clock, start_within=10 * MINUTE)
    due = record(engine, run_id).due_at_ms
    assert due is not None
    assert look(engine) == due + 10 * MINUTE
    clock.set(due + 10 * MINUTE)
    look(engine)
    ended = record(engine, run_id)
    assert (ended.state, ended.reason) == ("skipped", "not started in time")


def test_a_worker_takes_none_that_is_too_late(engine: Engine, clock: StoreClock) -> None:
    fired(engine, clock, start_within=10 * MINUTE)
    clock.advance(11 * MINUTE)
    engine.worker()
    assert engine.reserve() == []


def test_a_run_that_has_started_is_not_bound_any_more(engine: Engine, clock: StoreClock) -> None:
    run_id = fired(engine, clock, start_within=10 * MINUTE)
    reserved = take(engine)
    clock.advance(11 * MINUTE)
    look(engine)
    # Not even before its next try.
    assert engine.finish(reserved, "retry", delay_ms=0) == "RETRIED"
    look(engine)
    assert engine.finish(take(engine)) == "FINISHED"
    assert record(engine, run_id).state == "ok"


def test_what_runs_after_it_is_skipped_too(engine: Engine, clock: StoreClock) -> None:
    engine.define("ops/child", after=[JOB])
    fired(engine, clock, start_within=MINUTE)
    clock.advance(2 * MINUTE)
    look(engine)
    (skipped,) = past.last_records(engine.store, "ops/child")
    assert (skipped.state, skipped.reason) == ("skipped", f"after: {JOB} skipped")


def test_a_child_is_bound_from_when_it_was_made(engine: Engine, clock: StoreClock) -> None:
    engine.define("ops/child", after=[JOB], start_within=MINUTE)
    fired(engine, clock)
    reserved = take(engine)
    clock.advance(HOUR)
    engine.finish(reserved)
    (child,) = past.live_runs(engine.store, "ops/child")
    assert (
        engine.client.zscore(engine.store.key("expiry"), child.run_id) == (child.queued_at_ms or 0) + MINUTE
    )


def test_a_nominal_made_up_for_too_late_is_skipped_at_once(engine: Engine, clock: StoreClock) -> None:
    engine.define(JOB, start_within=10 * MINUTE)
    assert engine.fire(JOB, clock.now() - HOUR, next_due=NEVER)[0] == "SKIPPED"
    (skipped,) = past.last_records(engine.store, JOB)
    assert (skipped.state, skipped.reason) == ("skipped", "not started in time")


def test_a_run_by_hand_may_start_whenever(engine: Engine, clock: StoreClock) -> None:
    engine.define(JOB, start_within=MINUTE)
    engine.runs.start_run(JOB, by="ana")
    clock.advance(HOUR)
    look(engine)
    assert take(engine).address == JOB


# ---- finish_by


def test_a_late_run_is_an_incident_until_it_is_over(engine: Engine, clock: StoreClock) -> None:
    run_id = fired(engine, clock, finish_by=HOUR)
    due = record(engine, run_id).due_at_ms
    assert due is not None
    assert look(engine) == due + HOUR
    clock.set(due + HOUR)
    reserved = take(engine)
    look(engine)
    look(engine)
    assert open_incidents(engine) == [("late", run_id)]
    assert engine.finish(reserved) == "FINISHED"
    assert open_incidents(engine) == []
    assert told_of(engine, "late", "recovered") == [("late", JOB, run_id), ("recovered", JOB, run_id)]
    assert (record(engine, run_id).state, record(engine, run_id).late) == ("ok", True)
    assert fsck.check(engine.store) == []


def test_a_run_in_time_is_not(engine: Engine, clock: StoreClock) -> None:
    run_id = fired(engine, clock, finish_by=HOUR)
    engine.finish(take(engine))
    clock.advance(2 * HOUR)
    look(engine)
    assert told_of(engine, "late", "recovered") == []
    assert not record(engine, run_id).late
    assert engine.client.zcard(engine.store.key("deadlines")) == 0


def test_one_that_waits_is_late_too(engine: Engine, clock: StoreClock) -> None:
    run_id = fired(engine, clock, finish_by=HOUR, queue="unserved")
    clock.advance(2 * HOUR)
    look(engine)
    assert open_incidents(engine) == [("late", run_id)]
    engine.runs.cancel(run_id, "ana")
    assert open_incidents(engine) == []
    assert fsck.check(engine.store) == []


def test_a_late_run_that_waits_is_called_off_if_asked(engine: Engine, clock: StoreClock) -> None:
    run_id = fired(engine, clock, finish_by=HOUR, on_late="cancel", queue="unserved")
    clock.advance(2 * HOUR)
    look(engine)
    ended = record(engine, run_id)
    assert (ended.state, ended.reason, ended.late) == ("cancelled", "cancelled by finish_by", True)


def test_a_late_command_is_ended_if_asked(store: Store, tmp_path: Path, clock: StoreClock) -> None:
    spec = {"command": {"run": "sleep 60"}, "finish_by": HOUR, "on_late": "cancel"}
    work.board(store, {"a": spec})
    with work.working(store, tmp_path):
        run_id = work.start(store, "a")
        work.reserved(store, run_id)
        # By seconds, so that the worker keeps its lease.
        store.client.zadd(store.key("deadlines"), {run_id: clock.now()})
        Engine(store).runs.tick("s1")
        ended = work.finished(store, run_id)
    assert (ended["state"], ended["by"], ended["late"]) == ("cancelled", "finish_by", True)


def test_a_replaced_push_leaves_no_deadline(engine: Engine, clock: StoreClock) -> None:
    for replace in (False, True):
        parcel = make_parcel(
            engine.store, queue="unserved", keys={"run": "true", "finish_by": "1h"}, id="x", replace=replace
        )
        pushes.push(engine.store, [parcel], by="ana")
    clock.advance(2 * HOUR)
    look(engine)
    assert open_incidents(engine) == [("late", "push/unserved@x")]
    plain = make_parcel(engine.store, queue="unserved", keys={"run": "true"}, id="x", replace=True)
    pushes.push(engine.store, [plain], by="ana")
    assert open_incidents(engine) == []
    assert look(engine) is None


# ---- expected_every


BOARD = 'backup: {run: "true", cron: "0 2 * * *", expected_every: 26h}'


def test_a_job_that_falls_silent_is_overdue_until_it_ends_ok(
    project: Project, clock: StoreClock, engine: Engine
) -> None:
    project.board("ops", BOARD)
    project.sync()
    began = clock.now()
    assert abs((look(engine) or 0) - began - 26 * HOUR) < MINUTE
    clock.advance(27 * HOUR)
    look(engine)
    look(engine)
    assert open_incidents(engine) == [("overdue", "ops/backup")]
    # A failure does not end it.
    engine.runs.start_run("ops/backup", by="ana")
    engine.finish(take(engine), "failed")
    assert open_incidents(engine) == [("overdue", "ops/backup")]
    engine.runs.start_run("ops/backup", by="ana")
    engine.finish(take(engine))
    assert open_incidents(engine) == []
    expected = [("overdue", "ops/backup", ""), ("recovered", "ops/backup", "")]
    assert told_of(engine, "overdue", "recovered") == expected
    clock.advance(25 * HOUR)
    look(engine)
    assert open_incidents(engine) == []


@pytest.mark.parametrize("quiet", ["pause", "disable"])
def test_what_may_not_run_is_not_overdue(
    project: Project, clock: StoreClock, engine: Engine, quiet: str
) -> None:
    project.board("ops", BOARD)
    project.sync()
    if quiet == "pause":
        project.ok("pause", "ops/backup")
    else:
        project.ok("set", "ops/backup", "enabled=false")
    clock.advance(27 * HOUR)
    look(engine)
    assert open_incidents(engine) == []
    # Afterwards it has its whole span again.
    if quiet == "pause":
        project.ok("resume", "ops/backup")
    else:
        project.ok("set", "ops/backup", "enabled=true")
    clock.advance(25 * HOUR)
    look(engine)
    assert open_incidents(engine) == []
    clock.advance(2 * HOUR)
    look(engine)
    assert open_incidents(engine) == [("overdue", "ops/backup")]


def test_the_watch_follows_the_definition(project: Project, clock: StoreClock, engine: Engine) -> None:
    project.board("ops", BOARD)
    project.sync()
    due = engine.client.zscore(engine.store.key("sched"), "ops/backup")
    project.board("ops", BOARD.replace("26h", "30h"))
    project.sync()
    assert engine.client.zscore(engine.store.key("sched"), "ops/backup") == due
    clock.advance(27 * HOUR)
    look(engine)
    assert open_incidents(engine) == []
    clock.advance(4 * HOUR)
    look(engine)
    assert open_incidents(engine) == [("overdue", "ops/backup")]
    project.board("ops", BOARD.replace(", expected_every: 26h", ""))
    project.sync()
    assert open_incidents(engine) == []
    look(engine)
    project.board("ops", BOARD)
    project.sync()
    project.board("ops", BOARD.replace("backup", "other"))
    project.sync()
    look(engine)
    assert [m for m, _ in engine.client.zscan_iter(engine.store.key("expected"))] == [b"ops/other"]


def test_a_job_of_no_board_is_watched_too(project: Project, clock: StoreClock, engine: Engine) -> None:
    project.ok("put", "poll", "--run", "true", "expected_every=1h")
    clock.advance(2 * HOUR)
    look(engine)
    assert open_incidents(engine) == [("overdue", "loose/poll")]
    project.ok("rm", "poll")
    assert open_incidents(engine) == []
    assert fsck.check(engine.store) == []


def test_a_job_that_moves_takes_it_along(project: Project, clock: StoreClock, engine: Engine) -> None:
    project.board("ops", BOARD)
    project.sync()
    clock.advance(27 * HOUR)
    look(engine)
    project.board("ops", BOARD.replace("backup", "dump"), head="moved: [{from: backup, to: dump}]\n")
    project.sync()
    assert open_incidents(engine) == [("overdue", "ops/dump")]
    engine.runs.start_run("ops/dump", by="ana")
    engine.finish(take(engine))
    assert open_incidents(engine) == []
    clock.advance(27 * HOUR)
    look(engine)
    assert open_incidents(engine) == [("overdue", "ops/dump")]


# ---- fsck


def test_fsck_mends_what_would_never_be_noticed(project: Project, clock: StoreClock, engine: Engine) -> None:
    project.board("ops", BOARD)
    project.sync()
    engine.define("far/late", finish_by=HOUR, queue="unserved")
    run_id = engine.fired("far/late", clock.now())
    key, client = engine.store.key, engine.client
    client.delete(key("deadlines"), key("expected"))
    client.zadd(key("deadlines"), {"far/late@gone": 1})
    client.zadd(key("expected"), {"ops/gone": 1})
    client.hset(key("incidents"), mapping={"ops/gone": b"\x80", "ops/gone@x": b"\x80"})
    found = fsck.repair(engine.store)
    assert {problem.subject for problem in found} == {
        *("far/late@gone", "ops/gone", "ops/gone@x", "ops/backup", run_id)
    }
    assert fsck.check(engine.store) == []
    clock.advance(27 * HOUR)
    look(engine)
    assert sorted(open_incidents(engine)) == [("late", run_id), ("overdue", "ops/backup")]


# ---- what people see


def test_people_are_told(project: Project, clock: StoreClock, engine: Engine) -> None:
    project.board("ops", BOARD.replace("26h", "26h, finish_by: 1h"))
    project.sync()
    assert project.run("incidents").code == 0
    run_id = engine.runs.start_run("ops/backup", by="ana")
    clock.advance(27 * HOUR)
    look(engine)
    listed = project.run("incidents")
    assert listed.code == 2
    assert f"late     {run_id}" in listed.out
    assert "overdue  ops/backup" in listed.out
    assert "jobboard why" in listed.out
    why = " ".join(project.ok("why", "ops/backup").out.split())
    assert "overdue no run of it had ended ok for" in why
    assert f"late {run_id} should have been over by" in why
    assert "1 late runs, 1 overdue jobs" in project.run("doctor").out
    facts = read_job_facts(engine.store, "ops/backup", clock.now())
    assert {incident.kind for incident in facts.incidents} == {"late", "overdue"}


def test_on_late_without_a_bound_is_a_mistake(project: Project) -> None:
    project.board("ops", 'a: {run: "true", on_late: cancel}')
    said = project.run("lint")
    assert said.code == errors.InvalidBoards.exit_code
    assert '"on_late" means nothing without "finish_by"' in said.out + said.err
