"""A namespace that an older minor format was written to is read, and becomes one of this format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import Engine
from kit.made import made

from jobboard.store.calls.connect import FORMAT, numbers_of
from jobboard.store.calls.wire import pack
from jobboard.store.runs import past
from jobboard.store.runs.reschedule import reschedule
from jobboard.store.runs.world import read_workers
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from jobboard.store.calls.connect import Store


def as_in_1_0(store: Store, run_id: str) -> None:
    """Keep a live run as format 1.0 did: what it was made with in a field each, defaults too."""
    fields: dict[Any, Any] = {name: value for name, value in made(store, run_id).items() if name != "family"}
    fields |= {"launch": pack(fields["launch"]), "attempt": 1, "lost": 0, "defers": 0}
    store.client.hset(store.key("run", run_id), mapping=fields)
    store.client.hdel(store.key("run", run_id), "made")
    store.client.hset(store.key("meta"), "format", "1.0")


@pytest.fixture
def engine(store: Store) -> Engine:
    return Engine.at_work(store)


@pytest.fixture
def run_id(engine: Engine) -> str:
    """A run that waits in its queue, made by format 1.0."""
    engine.define("b/one", locks={"db": 1}, priority=3, tags=["t"])
    run_id = engine.runs.start_run("b/one", by="ana", reason="why not")
    before = past.read_live(engine.store, [run_id])
    as_in_1_0(engine.store, run_id)
    assert past.read_live(engine.store, [run_id]) == before
    assert fsck.check(engine.store) == []
    return run_id


def test_its_runs_run(engine: Engine, run_id: str) -> None:
    run = engine.reserve_one()
    assert (run.run_id, run.address, run.attempt, run.trigger) == (run_id, "b/one", 1, "manual")
    assert engine.members("lock", "db") == {run_id}
    engine.finish(run)
    (record,) = past.last_records(engine.store, "b/one")
    assert (record.run_id, record.state, record.by, record.attempt) == (run_id, "ok", "ana", 1)
    assert fsck.check(engine.store) == []


def test_what_changes_a_run_keeps_it_as_this_format_does(engine: Engine, run_id: str) -> None:
    assert reschedule(engine.store, [run_id], by={"actor": "ana"}, queue="fast") == [("OK", "queued")]
    assert made(engine.store, run_id)["queue"] == "fast"
    assert fsck.check(engine.store) == []
    (run,) = past.read_live(engine.store, [run_id])
    assert (run.queue, run.locks, run.by) == ("fast", {"db": 1}, "ana")


def test_it_says_which_format_it_has_then(engine: Engine, run_id: str) -> None:
    engine.finish(engine.reserve_one())
    assert engine.client.hget(engine.store.key("meta"), "format") == FORMAT.encode()


def test_a_newer_one_stays_what_it_is(engine: Engine) -> None:
    engine.client.hset(engine.store.key("meta"), "format", "1.97")
    engine.define("b/one")
    engine.runs.start_run("b/one", by="ana")
    engine.finish(engine.reserve_one())
    assert engine.client.hget(engine.store.key("meta"), "format") == b"1.97"


def test_a_worker_of_an_older_format_is_told_of_as_it_passes_over_runs(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """That format's `hello` did not say which it has."""
    store = engine.store
    engine.define("b/one")
    engine.runs.start_run("b/one", by="ana")
    (worker,) = read_workers(store)
    assert not worker.outdated
    store.client.hdel(store.key("worker", worker.name), "format")
    (worker,) = read_workers(store)
    assert worker.outdated
    assert asked(store, capsys, "workers")["workers"][0]["outdated"]
    said = told(store, capsys, "workers")
    assert "(older format)" in said
    assert "passes over what" in said
    assert "no worker serves" in told(store, capsys, "why", "b/one")
    assert jobboard(store, "doctor") == 1
    said = capsys.readouterr().out
    assert f"{worker.name} has an older format" in said
    assert "and no worker serves it" in said


def test_formats_compare_by_number() -> None:
    assert numbers_of("1.0") < numbers_of("1.2") < numbers_of("1.10") < numbers_of("2.0")
