"""A job that gets another address may have very many unfinished runs: all are told of it, page by page."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import Engine
from kit.made import made, remake
from kit.walk import Looking

from jobboard.store.boards import staging
from jobboard.store.calls.connect import Store
from jobboard.store.runs import past
from jobboard.store.runs.waiting import read_waiting
from jobboard.store.views.fsck import check, repair

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.project import Project

MANY = 1_000
HOUR = 1_800_000_000_000
MOST = 50
"""Runs that one call may tell; a page of a set that is being resized is somewhat larger."""
JOB = "{run: x, every: 1h, phase: 0, overlap: allow}"


@pytest.fixture
def crowded(project: Project, clock: StoreClock) -> Project:
    """A project whose ops/dump has a run of its schedule, the first in the queue, and very many by hand."""
    project.board("ops", f"dump: {JOB}\nnext: {{run: y, after: dump}}")
    project.sync()
    engine = Engine.at_work(project.store)
    engine.epochs["ops/dump"] = project.live("ops")["dump"].epoch
    clock.set(HOUR)
    engine.fired("ops/dump", HOUR)
    for _ in range(MANY):
        engine.runs.start_run("ops/dump", by="ana")
    return project


def renamed(project: Project, old: str = "dump", new: str = "backup") -> None:
    project.board(
        "ops",
        f"{new}: {JOB}\nnext: {{run: y, after: {new}}}",
        head=f"moved:\n  - {{from: {old}, to: {new}}}\n",
    )
    project.sync()


@pytest.fixture
def halfway(crowded: Project) -> Project:
    """The same, renamed by a sync that ended after one call of what it had to do for its runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "drain", lambda store: [store.call("drain", limit=250) for _ in range(2)])
        renamed(crowded)
    assert 0 < untold(crowded) < MANY
    return crowded


def addresses(project: Project, job: str = "ops/backup") -> Counter[str]:
    """Under which address each unfinished run of a job is written down."""
    found = Engine(project.store).members("live", job)
    runs = [run for run in found if project.store.client.exists(project.store.key("run", run))]
    return Counter(made(project.store, run)["job"] for run in runs)


def untold(project: Project) -> int:
    return addresses(project)["ops/dump"]


def settled(project: Project, job: str = "ops/backup", runs: int = MANY + 1) -> None:
    """All runs are the job's, and nothing is left to do."""
    assert addresses(project, job) == {job: runs}
    assert staging.is_drained(project.store)
    assert not project.store.client.exists(project.store.key("moving"))
    assert not project.store.client.hexists(project.store.key("meta"), "moving")
    assert check(project.store) == []


def test_by_a_sync_all_are_told_and_no_call_tells_many(
    crowded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    call = Store.call

    def counted(store: Store, script: str, **arguments: Any) -> Any:
        before = written(store)
        answer = call(store, script, **arguments)
        if script == "drain":
            told.append(written(store) - before)
        return answer

    monkeypatch.setattr(Store, "call", counted)
    renamed(crowded)
    assert sum(told) > MANY
    assert max(told) < 2 * MOST
    settled(crowded)


def written(store: Store) -> int:
    """How often a field of a hash was set up to now."""
    told: Any = store.client.info("commandstats")
    return int(told["cmdstat_hset"]["calls"])


def test_what_one_leaves_undone_a_scheduler_finishes(halfway: Project) -> None:
    assert check(halfway.store) == []
    with closing(Looking(halfway.store, name="s1")) as scheduler:
        scheduler.look()
    settled(halfway)


def test_another_sync_finishes_it_before_it_moves_them_on(halfway: Project) -> None:
    renamed(halfway, "backup", "save")
    settled(halfway, "ops/save")


def test_between_pages_what_becomes_of_a_run_is_its_jobs(halfway: Project) -> None:
    engine = Engine(halfway.store)
    reserved = engine.reserve(limit=1)[0]
    remake(halfway.store, reserved.run_id, job="ops/dump")
    engine.finish(reserved)
    (record,) = past.last_records(halfway.store, "ops/backup")
    assert (record.run_id, record.job, record.nominal_ms) == (reserved.run_id, "ops/backup", HOUR)
    assert past.last_records(halfway.store, "ops/dump") == []
    assert len(past.live_runs(halfway.store, "ops/next")) == 1
    staging.drain(halfway.store)
    settled(halfway, runs=MANY)


def test_between_pages_a_worker_is_told_the_new_name(halfway: Project) -> None:
    assert {run.address for run in Engine(halfway.store).reserve(limit=MANY)} == {"ops/backup"}


def test_between_pages_a_reader_sees_the_new_name(halfway: Project) -> None:
    assert {run.job for run in past.live_runs(halfway.store, "ops/backup")} == {"ops/backup"}
    assert {run.job for run in read_waiting(halfway.store)} == {"ops/backup"}
    shown = halfway.ok("runs", "backup", "-n", str(MANY), "-o", "json").json["runs"]
    assert {run["job"] for run in shown if run["state"] == "queued"} == {"ops/backup"}


def test_between_pages_the_job_is_removed_and_its_runs_with_it(halfway: Project) -> None:
    halfway.ok("rm", "ops/next", "--reason", "enough")
    halfway.ok("rm", "ops/backup", "--reason", "enough")
    assert staging.is_drained(halfway.store)
    assert past.live_runs(halfway.store, "ops/backup") == []
    assert check(halfway.store) == []


def test_runs_that_an_earlier_job_of_the_new_name_left_are_no_obstacle(crowded: Project) -> None:
    crowded.store.client.sadd(crowded.store.key("live", "ops/backup"), "ops/backup@left")
    renamed(crowded)
    assert not crowded.store.client.exists(crowded.store.key("live", "ops/dump"))
    assert addresses(crowded) == {"ops/backup": MANY + 1}


def test_what_nobody_would_tell_is_found_and_mended(halfway: Project) -> None:
    client, key = halfway.store.client, halfway.store.key
    client.delete(key("work"))
    words = "ops/dump is where runs of ops/backup were made, and nobody tells them"
    assert words in map(str, check(halfway.store))
    repair(halfway.store)
    staging.drain(halfway.store)
    settled(halfway)
