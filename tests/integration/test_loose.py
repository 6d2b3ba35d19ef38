"""Jobs of no board: put, created, removed; scheduled and shown like any other; untouched by syncs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import Engine

from jobboard import errors
from jobboard.reconcile.live import read_job
from jobboard.reconcile.loose import put_job
from jobboard.reconcile.removing import remove_job
from jobboard.store.runs import pushes
from jobboard.store.runs.pushes import Parcel
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from kit.clock import StoreClock
    from kit.project import Project

    from jobboard.store.calls.connect import Store

BY = {"actor": "ana", "via": "test"}


def put(store: Store, name: str = "x", **keys: Any) -> str:
    done = put_job(store, name, {"run": "true", **keys}, by=BY)
    assert fsck.check(store) == []
    return done.outcome


def test_a_put_creates_then_changes_then_leaves_alone(store: Store) -> None:
    assert put(store, every="5m") == "created"
    assert put(store, every="5m") == "unchanged"
    assert put(store, timeout="1m") == "changed"
    assert dict(read_job(store, "loose/x").spec) == {"command": {"run": "true"}, "timeout": 60_000}


def test_only_what_moves_the_job_moves_its_epoch(store: Store) -> None:
    put(store, description="one")
    before = read_job(store, "loose/x")
    put(store, description="two")
    after = read_job(store, "loose/x")
    assert after.epoch == before.epoch
    assert after.generation > before.generation


def test_it_is_fired_when_it_is_due(store: Store, clock: StoreClock) -> None:
    put(store, every="5m")
    engine = Engine(store)
    engine.worker()
    (claimed_none, due) = (engine.runs.claim("s1").entries, engine.due("loose/x"))
    assert claimed_none == []
    assert due is not None
    clock.set(due)
    (claimed,) = engine.runs.claim("s1").entries
    engine.epochs["loose/x"] = read_job(store, "loose/x").epoch
    assert engine.decide(claimed.address, due, next_due=due + 300_000)[0] == "FIRED"
    assert engine.reserve_one().address == "loose/x"


def test_a_removed_job_leaves_a_tombstone_and_no_run_that_waits(store: Store) -> None:
    put(store, every="5m")
    job = read_job(store, "loose/x")
    pushes.push(store, [Parcel("loose/x", job.spec, id="a", definition=job)], by="ana")
    remove_job(store, "loose/x", by=BY)
    engine = Engine(store)
    assert engine.due("loose/x") is None
    assert engine.state("loose/x@a") == "finished"
    assert store.client.hexists(store.key("tombstones"), "loose/x")
    assert fsck.check(store) == []
    assert put(store) == "created"
    assert not store.client.hexists(store.key("tombstones"), "loose/x")


def test_what_others_run_after_stays(store: Store) -> None:
    put(store, "parent")
    put(store, "child", after="loose/parent")
    with pytest.raises(errors.Refused, match="loose/child runs after"):
        remove_job(store, "loose/parent", by=BY)
    with pytest.raises(errors.UsageError):
        put(store, "orphan", after="loose/nobody")


def test_create_refuses_what_is_there(store: Store) -> None:
    put(store)
    with pytest.raises(errors.Refused, match="already"):
        put_job(store, "x", {"run": "true"}, by=BY, create=True)


@pytest.mark.parametrize("name", ["ops/x", "a b", ""])
def test_names_that_are_none(store: Store, name: str) -> None:
    with pytest.raises(errors.UsageError):
        put(store, name)


def test_no_sync_and_no_prune_touches_it(project: Project) -> None:
    put(project.store, every="5m")
    project.board("ops", "x: {run: 'true', every: 5m}")
    # Named as what could be adopted, and not as anything that changes.
    assert project.plan(".")["boards"][0]["name"] == "ops"
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in project.ok("plan", ".").out
    project.ok("sync", ".", "--auto-approve")
    assert read_job(project.store, "loose/x").spec["command"] == {"run": "true"}
    assert fsck.check(project.store) == []


def test_from_the_command_line(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert "loose/x was created" in told(store, capsys, "create", "x", "--run", "echo hi", "every=5m")
    assert jobboard(store, "create", "x", "--run", "true") != 0
    assert "timeout" in told(store, capsys, "put", "x", "--run", "echo hi", "every=5m", "timeout=1m")
    assert asked(store, capsys, "put", "x", "every=1h", "--run", "ls") == {
        "job": "loose/x",
        "outcome": "changed",
    }
    for words in (["ls"], ["show", "loose"], ["show", "x"], ["why", "x"], ["next", "x"]):
        assert "x" in told(store, capsys, *words)
    assert told(store, capsys, "rm", "x", "--reason", "done").startswith("- loose/x\n")
    assert jobboard(store, "rm", "x") == 64


def test_a_put_takes_any_key_of_a_board(store: Store) -> None:
    decay = "decay={factor: 2, step: 1d, max: 1h}"
    for name, *keys in (
        ("a", "cron=0 2 * * 1-5", "catchup=all", "allow_failure=true"),
        ("b", "every=5m", "start=2026-01-01", "runs=9"),
        ("c", "every=5m", "start=2026-01-01", decay),
    ):
        assert jobboard(store, "put", name, "--run", "true", *keys) == 0
    specs = {name: read_job(store, f"loose/{name}").spec for name in "abc"}
    assert specs["a"]["schedule"] == {"cron": "0 2 * * 1-5"}
    assert (specs["a"]["catchup"], specs["a"]["allow_failure"]) == ("all", True)
    assert specs["b"]["schedule"]["runs"] == 9
    assert "decay" in specs["c"]["schedule"]
