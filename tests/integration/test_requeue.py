"""Runs that wait take the new definition of their job where a sync is told so, and keep theirs where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import Engine

from jobboard.core.instant import format_instant
from jobboard.store import past, pushes, staging
from jobboard.store.events import later_events
from jobboard.store.fsck import check

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.runs import Reserved

NEW = {"run": "new"}
HOUR = 3_600_000


def board(project: Project, command: str = "old", more: str = "") -> None:
    project.board("ops", f"dump: {{run: {command}, overlap: allow{more}}}\nother: {{run: y, locks: [db]}}")


def started(project: Project, *words: str) -> str:
    return str(project.ok("run", "ops/dump", *words, "-o", "json").json["run"])


def facts(project: Project, run_id: str, *names: str) -> tuple[Any, ...]:
    found: Any = project.store.client.hmget(project.store.key("run", run_id), names)
    return tuple(value and value.decode() for value in found)


def command(project: Project, run_id: str) -> Any:
    spec = past.read_spec(project.store, run_id)
    assert spec is not None
    return spec["command"]


@pytest.fixture
def engine(project: Project) -> Engine:
    """A worker beside a project that has synced ops/dump and ops/other."""
    board(project)
    project.sync()
    found = Engine(project.store)
    found.worker()
    return found


def test_a_plan_says_what_becomes_of_them(project: Project, engine: Engine) -> None:
    first, second = started(project), started(project)
    board(project, "new")
    assert "2 queued runs keep revision 1" in project.run("plan").out
    assert "2 queued runs of revision 1 take the new one" in project.run("plan", "--requeue").out
    assert project.plan()["digest"] != project.plan("--requeue")["digest"]
    assert project.plan("--requeue")["boards"][0]["requeue"]
    project.sync("--requeue")
    for run_id in (first, second):
        assert command(project, run_id) == NEW
        assert facts(project, run_id, "state", "revision", "attempt") == ("queued", "2", "1")
    assert [run.run_id for run in engine.reserve()] == [first, second]
    assert check(project.store) == []


def test_without_it_they_keep_theirs(project: Project, engine: Engine) -> None:
    run_id = started(project)
    board(project, "new")
    project.sync()
    assert (command(project, run_id), engine.reserve_one().spec["command"]) == (
        {"run": "old"},
        {"run": "old"},
    )


def test_a_running_one_never_does(project: Project, engine: Engine) -> None:
    running = started(project)
    engine.reserve_one()
    board(project, "new")
    project.sync("--requeue")
    assert command(project, running) == {"run": "old"}
    assert facts(project, running, "state") == ("running",)
    assert check(project.store) == []


def test_one_that_waits_for_its_next_try_does_and_keeps_its_tries(
    project: Project, engine: Engine, clock: StoreClock
) -> None:
    run_id = started(project)
    engine.finish(engine.reserve_one(), "retry", delay_ms=60_000)
    board(project, "new", ", queue: slow")
    project.sync("--requeue")
    assert facts(project, run_id, "state", "attempt", "queue") == ("delayed", "2", "slow")
    clock.advance(60_001)
    project.store.call("tick", scheduler="s1", zonedata="x")
    engine.worker("w2", "slow")
    found: Reserved = engine.reserve_one("w2", "slow")
    assert (found.run_id, found.spec["command"], found.attempt) == (run_id, NEW, 2)
    assert check(project.store) == []


def test_one_that_waits_for_a_lock_asks_for_the_locks_of_the_new_one(
    project: Project, engine: Engine
) -> None:
    project.ok("run", "ops/other")
    engine.reserve_one()
    board(project, more=", locks: [db]")
    project.sync()
    run_id = started(project)
    assert engine.reserve() == []
    assert facts(project, run_id, "state") == ("waiting",)
    board(project, "new")
    project.sync("--requeue")
    assert facts(project, run_id, "state", "lock") == ("queued", None)
    assert engine.reserve_one().spec["command"] == NEW
    assert check(project.store) == []


def test_one_that_waits_for_locks_it_keeps_stays_in_its_place(project: Project, engine: Engine) -> None:
    project.ok("run", "ops/other")
    engine.reserve_one()
    board(project, more=", locks: [db]")
    project.sync()
    run_id = started(project)
    assert engine.reserve() == []
    board(project, "new", ", locks: [db]")
    project.sync("--requeue")
    assert facts(project, run_id, "state", "lock") == ("waiting", "db")
    assert command(project, run_id) == NEW
    assert check(project.store) == []


@pytest.mark.parametrize("state", ["queued", "waiting"])
def test_a_barrier_falls_where_the_locks_are_others(project: Project, engine: Engine, state: str) -> None:
    project.ok("run", "ops/other")
    holder = engine.reserve_one()
    board(project, more=", locks: [db]")
    project.sync()
    run_id = started(project)
    project.store.client.hset(project.store.key("run", run_id), "parks", "7")
    assert engine.reserve() == []
    assert engine.members("barrier", "db") == {run_id}
    if state == "queued":
        engine.finish(holder)
    assert facts(project, run_id, "state") == (state,)
    board(project, "new", ", locks: [disk]")
    project.sync("--requeue")
    assert (facts(project, run_id, "state"), engine.members("barriers")) == (("queued",), set())
    assert engine.reserve_one().run_id == run_id
    assert check(project.store) == []


def test_one_that_waits_for_its_turn_keeps_it(project: Project, engine: Engine, clock: StoreClock) -> None:
    project.board("ops", "dump: {run: old, every: 1h, overlap: queue}")
    project.sync()
    engine.epochs["ops/dump"] = project.live("ops")["dump"].epoch
    start = (clock.now() // HOUR + 1) * HOUR
    clock.advance(start + HOUR - clock.now())
    first, second = engine.fired("ops/dump", start), engine.fired("ops/dump", start + HOUR)
    assert facts(project, second, "state") == ("blocked",)
    project.board("ops", "dump: {run: new, every: 1h, overlap: queue, priority: 5}")
    project.sync("--requeue")
    assert facts(project, second, "state", "nominal") == ("blocked", str(start + HOUR))
    for run_id in (first, second):
        reserved = engine.reserve_one()
        assert (reserved.run_id, reserved.spec["command"]) == (run_id, NEW)
        engine.finish(reserved)
    assert check(project.store) == []


def test_a_new_priority_counts_and_age_stays(project: Project, engine: Engine) -> None:
    project.ok("run", "ops/other")
    first, second = started(project), started(project)
    board(project, "new", ", priority: 9")
    project.sync("--requeue")
    reserved = engine.reserve()
    assert [run.run_id for run in reserved[:2]] == [first, second]
    assert reserved[2].run_id.startswith("ops/other@")


def test_up_to_when_it_has_to_be_started_and_over_follows(
    project: Project, engine: Engine, clock: StoreClock
) -> None:
    board(project, more=", every: 1h, start_within: 10m, finish_by: 20m")
    project.sync()
    engine.epochs["ops/dump"] = project.live("ops")["dump"].epoch
    nominal = (clock.now() // HOUR + 1) * HOUR
    clock.advance(nominal - clock.now())
    run_id = engine.fired("ops/dump", nominal)
    board(project, "new", ", every: 1h, start_within: 50m")
    project.sync("--requeue")
    assert project.store.client.zscore(project.store.key("expiry"), run_id) == nominal + 50 * 60_000
    assert project.store.client.zscore(project.store.key("deadlines"), run_id) is None
    board(project, "new", ", every: 1h, finish_by: 30m")
    project.sync("--requeue")
    assert project.store.client.zscore(project.store.key("expiry"), run_id) is None
    assert project.store.client.zscore(project.store.key("deadlines"), run_id) == nominal + 30 * 60_000
    assert run_id.endswith(format_instant(nominal))
    assert check(project.store) == []


def test_what_was_pushed_stays_what_was_pushed(project: Project, engine: Engine) -> None:
    (pushed,) = pushes.push(
        project.store,
        [pushes.Parcel("ops/dump", {"command": {"run": "mine"}}, definition=project.live("ops")["dump"])],
        by="ana",
    )
    board(project, "new")
    project.sync("--requeue")
    assert command(project, pushed.run_id) == {"run": "mine"}
    assert engine.reserve_one().spec["command"] == {"run": "mine"}


def test_very_many_follow_page_by_page_and_once(project: Project, engine: Engine) -> None:
    runs = [started(project) for _ in range(3)]
    template: Any = project.store.client.hgetall(project.store.key("run", runs[0]))
    with project.store.client.pipeline() as pipe:
        for n in range(900):
            run_id = f"ops/dump@copy-{n}"
            pipe.hset(project.store.key("run", run_id), mapping=template)
            pipe.sadd(project.store.key("live", "ops/dump"), run_id)
            pipe.zadd(project.store.key("queue", "common"), {run_id: template[b"score"]})
        pipe.execute()
    board(project, "new", ", queue: slow")
    before = latest(project)
    project.sync("--requeue")
    assert project.store.client.zcard(project.store.key("queue", "slow")) == 903
    assert project.store.client.zcard(project.store.key("queue", "common")) == 0
    renewed = [e["run"] for e in later_events(project.store, before) if e["e"] == "renewed"]
    assert len(renewed) == len(set(renewed)) == 903


def latest(project: Project) -> str:
    from jobboard.store.events import latest_id

    return latest_id(project.store)


def test_a_sync_that_dies_before_it_has_drained_is_finished_by_others(
    project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = started(project)
    board(project, "new")
    with monkeypatch.context() as patch:
        patch.setattr(staging, "drain", lambda _: 0)
        project.sync("--requeue")
    # What acts on the job first applies its schedule entry, and leaves its runs to the drain.
    project.ok("set", "ops/dump", "description=mine")
    assert command(project, run_id) == {"run": "old"}
    staging.drain(project.store)
    assert command(project, run_id) == NEW
    assert staging.is_drained(project.store)
    assert check(project.store) == []


def test_a_saved_plan_says_it_too(project: Project, engine: Engine) -> None:
    run_id = started(project)
    board(project, "new")
    project.ok("plan", "--requeue", "--out", "plan.json")
    assert "takes the new one" in project.ok("sync", "--plan", "plan.json").out
    assert command(project, run_id) == NEW
    late = project.run("sync", "--requeue", "--plan", "plan.json")
    assert (late.code, "so --requeue comes too late" in late.err) == (64, True)


def test_a_job_with_a_new_name_takes_them_along(project: Project, engine: Engine) -> None:
    run_id = started(project)
    project.board(
        "ops",
        "copy: {run: new, overlap: allow}\nother: {run: y, locks: [db]}",
        head="moved: [{from: dump, to: copy}]\n",
    )
    assert "take" in project.run("plan", "--requeue").out
    project.sync("--requeue")
    assert command(project, run_id) == NEW
    assert facts(project, run_id, "job") == ("ops/copy",)
    assert check(project.store) == []
