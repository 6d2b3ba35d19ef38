"""Runs that wait take the new definition of their job where a sync is told so, and keep theirs where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import Engine
from kit.made import made

from jobboard.core.times.instant import format_instant
from jobboard.store.boards import staging
from jobboard.store.runs import past, pushes
from jobboard.store.runs.events import later_events
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.runs.runs import Reserved

NEW = {"run": "new"}
HOUR = 3_600_000


def board(project: Project, command: str = "old", more: str = "") -> None:
    project.board("ops", f"dump: {{run: {command}, overlap: allow{more}}}\nother: {{run: y, locks: [db]}}")


def started(project: Project, *words: str) -> str:
    return str(project.ok("run", "ops/dump", *words, "-o", "json").json["run"])


def facts(project: Project, run_id: str, *names: str) -> tuple[Any, ...]:
    found: Any = project.store.client.hgetall(project.store.key("run", run_id))
    fields = {name.decode(): value for name, value in found.items()}
    values = {**fields, **made(project.store, run_id)}
    return tuple(v.decode() if isinstance(v := values.get(name), bytes) else v and str(v) for name in names)


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
        assert facts(project, run_id, "state", "revision", "attempt") == ("queued", "2", None)
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
            pipe.zadd(project.store.key("queue", "common"), {run_id: made(project.store, runs[0])["score"]})
        pipe.execute()
    board(project, "new", ", queue: slow")
    before = latest(project)
    project.sync("--requeue")
    assert project.store.client.zcard(project.store.key("queue", "slow")) == 903
    assert project.store.client.zcard(project.store.key("queue", "common")) == 0
    renewed = [e["run"] for e in later_events(project.store, before) if e["e"] == "renewed"]
    assert len(renewed) == len(set(renewed)) == 903


def latest(project: Project) -> str:
    from jobboard.store.runs.events import latest_id

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


def changed_before(project: Project) -> list[str]:
    """Two runs that an earlier sync left with what they were queued with."""
    runs = [started(project), started(project)]
    board(project, "new")
    project.sync()
    return runs


def test_those_of_jobs_that_stay_as_they_are_follow_too(project: Project, engine: Engine) -> None:
    runs = changed_before(project)
    assert "No changes." in project.ok("plan").out
    planned = project.run("plan", "--requeue", "--detailed-exitcode")
    assert planned.code == 2
    assert ". requeue  dump: 2 queued runs of revision 1 take what is in force" in planned.out
    assert "Requeue: 2 queued runs of a job that stays as it is." in planned.out
    digest = project.plan("--requeue")["digest"]
    done = project.ok("sync", "--requeue", "--expect-digest", digest)
    assert done.out.endswith("Requeued: 2 queued runs took what is in force.\n")
    for run_id in runs:
        assert command(project, run_id) == NEW
    assert [run.run_id for run in engine.reserve()] == runs
    assert project.plan("--requeue")["empty"]
    assert check(project.store) == []


def test_each_form_of_a_plan_says_so(project: Project, engine: Engine) -> None:
    changed_before(project)
    (found,) = project.plan("--requeue")["boards"]
    assert found["outdated_runs"] == [{"address": "ops/dump", "runs": 2, "revisions": [1]}]
    assert "# requeue: ops/dump 2 queued" in project.ok("plan", "--requeue", "-o", "diff").out
    markdown = project.ok("plan", "--requeue", "-o", "markdown").out
    assert "> Requeue: 2 queued runs of a job that stays as it is." in markdown
    assert "requeue  dump: 2 queued runs of revision 1" in markdown
    assert project.ok("sync", "--requeue", "--auto-approve", "-o", "json").json["requeued"] == 2


def test_whatever_they_wait_for_is_found(project: Project, engine: Engine) -> None:
    board(project, more=", locks: [db]")
    project.sync()
    retried = started(project)
    engine.finish(engine.reserve_one(), "retry", delay_ms=60_000)
    project.ok("run", "ops/other")
    engine.reserve_one()
    waiting = started(project)
    assert engine.reserve() == []
    queued = started(project)
    states = [facts(project, run_id, "state")[0] for run_id in (retried, waiting, queued)]
    assert states == ["delayed", "waiting", "queued"]
    board(project, "new", ", locks: [db]")
    project.sync()
    assert "Requeued: 3 queued runs" in project.sync("--requeue").out
    assert {str(command(project, run_id)) for run_id in (retried, waiting, queued)} == {str(NEW)}
    assert check(project.store) == []


def test_one_that_waits_for_another_run_is_found(project: Project, engine: Engine, clock: StoreClock) -> None:
    project.board("ops", "dump: {run: old, every: 1h, overlap: queue}")
    project.sync()
    engine.epochs["ops/dump"] = project.live("ops")["dump"].epoch
    start = (clock.now() // HOUR + 1) * HOUR
    clock.advance(start + HOUR - clock.now())
    engine.fired("ops/dump", start)
    second = engine.fired("ops/dump", start + HOUR)
    assert facts(project, second, "state") == ("blocked",)
    project.board("ops", "dump: {run: new, every: 1h, overlap: queue}")
    project.sync()
    assert "2 queued runs" in project.sync("--requeue").out
    assert (command(project, second), facts(project, second, "state")) == (NEW, ("blocked",))


def test_what_an_override_or_a_live_edit_says_is_in_force(project: Project, engine: Engine) -> None:
    run_id = started(project)
    project.ok("set", "ops/dump", "timeout=5m")
    project.ok("override", "set", "ops/dump", "run=mine", "--for", "1h", "--reason", "now")
    assert "1 queued run of revision 1 takes what is in force" in project.ok("plan", "--requeue").out
    project.sync("--requeue")
    spec = past.read_spec(project.store, run_id)
    assert spec is not None
    assert (spec["command"], spec["timeout"]) == ({"run": "mine"}, 300_000)
    assert project.plan("--requeue")["empty"]


def test_only_what_was_chosen_follows(project: Project, engine: Engine) -> None:
    changed_before(project)
    for words in (("--target", "ops/other"), ("--exclude", "ops/dump")):
        assert project.plan("--requeue", *words)["empty"]
    for words in (("--target", "ops/dump"), ("--target", "ops"), ("--exclude", "ops/other")):
        assert not project.plan("--requeue", *words)["empty"]
    project.board("web", "w: {run: y}")
    assert "Requeued: 2" in project.sync("--requeue", "--target", "web", "--target", "dump").out


def test_what_stays_as_it_is_takes_no_part(project: Project, engine: Engine) -> None:
    run_id = started(project)
    board(project, "newer")
    project.ok("set", "ops/dump", "run=mine")
    before = facts(project, run_id, "epoch")
    done = project.run("sync", "--auto-approve", "--requeue", "--skip-conflicted")
    assert done.code == 3
    assert (command(project, run_id), facts(project, run_id, "epoch")) == ({"run": "old"}, before)
    # Nor does what a rollback holds.
    board(project, "mine")
    project.sync()
    project.ok("rollback", "1", "--auto-approve")
    assert not any(b["outdated_runs"] for b in project.plan("--requeue")["boards"])


def test_what_was_pushed_or_runs_is_none_of_them(project: Project, engine: Engine) -> None:
    started(project)
    engine.reserve_one()
    pushes.push(
        project.store,
        [pushes.Parcel("ops/dump", {"command": {"run": "mine"}}, definition=project.live("ops")["dump"])],
        by="ana",
    )
    board(project, "new")
    project.sync()
    assert project.plan("--requeue")["empty"]


def test_a_job_that_only_gets_a_new_name_takes_them_along(project: Project, engine: Engine) -> None:
    (first, second) = changed_before(project)
    project.board(
        "ops",
        "copy: {run: new, overlap: allow}\nother: {run: y, locks: [db]}",
        head="moved: [{from: dump, to: copy}]\n",
    )
    assert "requeue  copy: 2 queued runs of revision 1" in project.run("plan", "--requeue").out
    assert "1 moved" in project.sync("--requeue").out
    assert (command(project, first), command(project, second)) == (NEW, NEW)
    assert check(project.store) == []


def test_a_saved_plan_requeues_what_it_showed(project: Project, engine: Engine) -> None:
    (first, second) = changed_before(project)
    project.ok("plan", "--requeue", "--out", "plan.json")
    third = started(project)
    done = project.ok("sync", "--plan", "plan.json")
    assert "Requeued: 2 queued runs" in done.out
    assert {str(command(project, run_id)) for run_id in (first, second, third)} == {str(NEW)}
    assert "applied already" in project.ok("sync", "--plan", "plan.json").out


def test_a_saved_plan_is_stale_where_they_would_take_something_else(project: Project, engine: Engine) -> None:
    (first, _) = changed_before(project)
    project.ok("plan", "--requeue", "--out", "plan.json")
    project.ok("set", "ops/dump", "run=mine")
    stale = project.run("sync", "--plan", "plan.json")
    assert stale.code == 4
    assert "ops/dump (what its runs are to take)" in stale.err
    assert command(project, first) == {"run": "old"}


def test_who_asked_is_on_record(project: Project, engine: Engine) -> None:
    changed_before(project)
    project.sync("--requeue", "--reason", "the fix")
    entries: Any = project.store.client.xrevrange(project.store.key("audit"), count=1)
    ((_, entry),) = entries
    assert (entry[b"what"], entry[b"subject"]) == (b"requeue", b"ops/dump")
    assert b"ana" in entry[b"by"]
    assert b"the fix" in entry[b"by"]


def test_page_by_page_where_they_are_very_many(project: Project, engine: Engine) -> None:
    first = changed_before(project)[0]
    template: Any = project.store.client.hgetall(project.store.key("run", first))
    with project.store.client.pipeline() as pipe:
        for n in range(900):
            run_id = f"ops/dump@copy-{n}"
            pipe.hset(project.store.key("run", run_id), mapping=template)
            pipe.sadd(project.store.key("live", "ops/dump"), run_id)
            pipe.zadd(project.store.key("queue", "common"), {run_id: made(project.store, first)["score"]})
        pipe.execute()
    assert "Requeued: 902 queued runs" in project.sync("--requeue").out
    assert project.plan("--requeue")["empty"]


def test_a_sync_that_dies_before_they_follow_is_finished_by_the_next(
    project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = changed_before(project)
    project.board("web", "w: {run: y}")
    with monkeypatch.context() as patch:
        patch.setattr("jobboard.store.runs.waiting.renew", lambda *_: 0)
        assert "1 added" in project.sync("--requeue").out
    assert command(project, runs[0]) == {"run": "old"}
    assert "Requeued: 2 queued runs" in project.sync("--requeue").out
    assert {str(command(project, run_id)) for run_id in runs} == {str(NEW)}
    assert check(project.store) == []
