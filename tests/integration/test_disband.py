"""A job that goes may have very many runs that wait: they are called off page by page, all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.engine import Engine
from kit.made import made

from jobboard import errors
from jobboard.store.boards import staging
from jobboard.store.calls.connect import Store
from jobboard.store.runs import past, walking
from jobboard.store.runs.runs import Runs
from jobboard.store.views.fsck import check

if TYPE_CHECKING:
    from kit.project import Project

MANY = 3_000
MOST = 50
"""Runs that one call may call off."""
DUMP = "dump: {run: x, overlap: allow, locks: [db]}"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs of ops/dump each script that is called from now on ends."""
    ended: list[int] = []
    call = Store.call

    def counted(store: Store, script: str, **arguments: Any) -> Any:
        before = store.client.scard(store.key("live", "ops/dump"))
        answer = call(store, script, **arguments)
        ended.append(before - store.client.scard(store.key("live", "ops/dump")))
        return answer

    monkeypatch.setattr(Store, "call", counted)
    return ended


@pytest.fixture
def crowded(project: Project) -> Project:
    """A project whose ops/dump has a run that runs, some that wait for its lock, thousands in the queue."""
    project.board("ops", f"{DUMP}\nother: {{run: y}}")
    project.sync()
    engine = Engine(project.store)
    engine.worker()
    for _ in range(20):
        Runs(project.store).start_run("ops/dump", by="ana")
    engine.reserve(limit=50)
    Runs(project.store).start_run("ops/dump", by="ana")
    multiply(project)
    assert states(project).keys() == {"running", "waiting", "queued"}
    return project


def multiply(project: Project) -> None:
    """Thousands of copies of a queued run."""
    store = project.store
    (queued, *_) = (run for run in past.live_runs(store, "ops/dump") if run.state == "queued")
    template: Any = store.client.hgetall(store.key("run", queued.run_id))
    with store.client.pipeline() as pipe:
        for n in range(1, MANY):
            run_id = f"ops/dump@copy-{n}"
            pipe.hset(store.key("run", run_id), mapping=template)
            pipe.sadd(store.key("live", "ops/dump"), run_id)
            pipe.zadd(store.key("queue", "common"), {run_id: made(store, queued.run_id)["score"]})
        pipe.execute()


def states(project: Project) -> dict[str, int]:
    found = [run.state for run in past.live_runs(project.store, "ops/dump")]
    return {state: found.count(state) for state in found}


def settled(project: Project, *, running: str = "running") -> None:
    """All that is left of ops/dump is the one run that ran."""
    assert states(project) == {running: 1}
    assert staging.is_drained(project.store)
    assert project.store.client.zcard(project.store.key("queue", "common")) == 0
    ended = walking.walk(project.store, lambda record: record.state == "cancelled", limit=2 * MANY)
    assert len({record.run_id for record in ended.records}) == len(ended.records) == MANY + 19
    assert check(project.store) == []


def test_by_a_sync_thousands_are_called_off_and_no_call_ends_many(crowded: Project, calls: list[int]) -> None:
    crowded.board("ops", "other: {run: y}")
    crowded.sync()
    assert sum(calls) == MANY + 19
    assert max(calls) <= MOST
    settled(crowded)


def test_the_one_that_runs_is_stopped_whichever_page_it_is_on(crowded: Project) -> None:
    crowded.board("ops", "other: {run: y}")
    crowded.sync("--on-prune", "cancel")
    settled(crowded, running="stopping")


def test_by_hand_they_are_called_off_likewise(crowded: Project, calls: list[int]) -> None:
    crowded.ok("rm", "ops/dump", "--reason", "enough")
    assert sum(calls) == MANY + 19
    assert max(calls) <= MOST
    settled(crowded)


@pytest.mark.parametrize("how", ["sync", "rm"])
def test_what_one_leaves_undone_anybody_finishes(
    crowded: Project, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(staging, "drain", lambda store: store.call("drain", limit=250)[1])
        if how == "sync":
            crowded.board("ops", "other: {run: y}")
            crowded.sync()
        else:
            crowded.ok("rm", "ops/dump", "--reason", "enough")
    assert not staging.is_drained(crowded.store)
    assert len(past.live_runs(crowded.store, "ops/dump")) > MANY / 2
    # Whatever acts on the job meanwhile keeps both its grave and what is left to do.
    buried = crowded.store.client.hget(crowded.store.key("tombstones"), "ops/dump")
    assert buried is not None
    with pytest.raises(errors.UsageError):
        Runs(crowded.store).start_run("ops/dump", by="ana")
    assert crowded.store.client.hget(crowded.store.key("tombstones"), "ops/dump") == buried
    staging.drain(crowded.store)
    settled(crowded)
    assert crowded.store.client.hget(crowded.store.key("tombstones"), "ops/dump") == buried
