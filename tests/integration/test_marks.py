"""Runs marked with tags of their own, and tracked: while they live, when over, and when they come back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from kit.commandline import asked, jobboard, told
from kit.engine import Engine

from jobboard import Client, errors
from jobboard.reconcile.pushing import make_parcel
from jobboard.store.boards import holds
from jobboard.store.runs import marks, past, pushes, retries
from jobboard.store.runs.config import configure
from jobboard.store.runs.destroy import destroy
from jobboard.store.views import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobboard.core.runs.record import Record
    from jobboard.store.calls.connect import Store

BY = {"actor": "ana"}


@pytest.fixture
def engine(store: Store) -> Iterator[Engine]:
    """A namespace with a worker; it holds together when the test is over."""
    built = Engine(store)
    built.worker()
    yield built
    assert fsck.check(store) == []


def start(engine: Engine, address: str = "b/x", **spec: Any) -> Record:
    engine.define(address, overlap="allow", **spec)
    return known(engine, engine.runs.start_run(address, by="ana"))


def over(engine: Engine, address: str = "b/x", verdict: Any = "failed", **spec: Any) -> Record:
    run = start(engine, address, **spec)
    engine.finish(engine.reserve_one(), verdict, reason="" if verdict == "ok" else "exit 3")
    return known(engine, run.run_id)


def known(engine: Engine, run_id: str) -> Record:
    found = past.read_run(engine.store, run_id)
    assert found is not None
    return marks.marked(engine.store, [found])[0]


def push(engine: Engine, **more: Any) -> Record:
    parcel = make_parcel(engine.store, queue="common", keys={"run": "true"}, id="1", **more)
    (pushed,) = pushes.push(engine.store, [parcel], by="ana")
    return known(engine, pushed.run_id)


def kept(engine: Engine) -> set[str]:
    ids = cast("list[bytes]", engine.client.hkeys(engine.store.key("marked")))
    return {run_id.decode() for run_id in ids}


def test_a_run_begins_with_the_tags_of_its_job_and_keeps_them(engine: Engine) -> None:
    run = start(engine, tags=["db", "nightly"])
    assert run.tags == ("db", "nightly")
    found = marks.mark(engine.store, run, by=BY, add=["acme", "db"], remove=["nightly", "never"])
    assert found == marks.Marks(("acme", "db"), tracked=False)
    engine.finish(engine.reserve_one())
    assert known(engine, run.run_id).tags == ("acme", "db")
    # The record says so itself: nothing is kept beside it.
    assert kept(engine) == set()


def test_a_run_that_is_over_is_tagged_too(engine: Engine) -> None:
    run = over(engine, tags=["db"])
    assert marks.mark(engine.store, run, by=BY, add=["acme"]).tags == ("acme", "db")
    assert marks.mark(engine.store, run, by=BY, remove=["db"]).tags == ("acme",)
    assert known(engine, run.run_id).tags == ("acme",)
    assert kept(engine) == {run.run_id}


def test_what_changes_nothing_is_no_event(engine: Engine) -> None:
    run = start(engine)
    marks.mark(engine.store, run, by=BY, add=["acme"], tracked=True)
    before = engine.client.xlen(engine.store.key("audit"))
    marks.mark(engine.store, run, by=BY, add=["acme"], remove=["none"], tracked=True)
    assert engine.client.xlen(engine.store.key("audit")) == before


def test_a_record_beyond_the_jobs_last_ones_is_found(engine: Engine) -> None:
    run = over(engine)
    for _ in range(past.KEPT_BY_JOB):
        over(engine)
    assert marks.mark(engine.store, run, by=BY, add=["acme"], tracked=True) == marks.Marks(
        ("acme",), tracked=True
    )
    assert known(engine, run.run_id).tracked


def test_a_tag_given_while_it_waits_counts_for_holds(engine: Engine) -> None:
    run = start(engine)
    marks.mark(engine.store, run, by=BY, add=["acme"])
    holds.pause(engine.store, "tag:acme", by=BY, reason=None, until_ms=None)
    assert engine.reserve() == []
    assert engine.state(run.run_id) == "delayed"


def test_what_is_tracked_is_listed_and_outlives_the_history(engine: Engine) -> None:
    ended, live = over(engine, "b/y"), start(engine)
    for run in (live, ended):
        marks.mark(engine.store, run, by=BY, tracked=True)
    assert [run.run_id for run in marks.read_tracked(engine.store)] == [ended.run_id, live.run_id]
    engine.finish(engine.reserve_one())
    configure(engine.store, "history-bytes", 1, by=BY)
    engine.client.delete(engine.store.key("last", "b/x"), engine.store.key("last", "b/y"))
    assert {run.state for run in marks.read_tracked(engine.store)} == {"ok", "failed"}
    assert known(engine, live.run_id).tracked
    marks.mark(engine.store, known(engine, live.run_id), by=BY, tracked=False)
    assert past.read_run(engine.store, live.run_id) is None


def test_the_output_of_what_is_tracked_goes_last(engine: Engine) -> None:
    run = start(engine)
    reserved = engine.reserve_one()
    engine.runs.output(run.run_id, reserved.token, 1, [b"hello"])
    marks.mark(engine.store, run, by=BY, tracked=True)
    engine.finish(reserved)
    assert _kept_until(engine, run.run_id) == 9007199254740991
    marks.mark(engine.store, known(engine, run.run_id), by=BY, tracked=False)
    assert _kept_until(engine, run.run_id) < 9007199254740991


def _kept_until(engine: Engine, run_id: str) -> float:
    kept = engine.client.zscore(engine.store.key("outputs"), run_id)
    assert kept is not None
    return kept


def test_marks_go_on_with_a_run_that_is_retried(engine: Engine) -> None:
    run = over(engine, tags=["db"])
    marks.mark(engine.store, run, by=BY, add=["acme"], tracked=True)
    retries.retry_one(engine.store, known(engine, run.run_id), by="ana")
    again = known(engine, run.run_id)
    assert (again.state, again.tags, again.tracked) == ("queued", ("acme", "db"), True)
    assert fsck.check(engine.store) == []
    engine.finish(engine.reserve_one())
    ended = known(engine, run.run_id)
    assert (ended.state, ended.tags, ended.tracked) == ("ok", ("acme", "db"), True)


def test_tags_of_the_job_are_those_of_a_retry_where_nobody_changed_them(engine: Engine) -> None:
    run = over(engine, tags=["db"])
    engine.define("b/x", tags=["pg"])
    retries.retry_one(engine.store, run, by="ana")
    assert known(engine, run.run_id).tags == ("pg",)


def test_marks_go_on_with_what_takes_the_place_of_a_pushed_run(engine: Engine) -> None:
    run = push(engine)
    marks.mark(engine.store, run, by=BY, add=["acme"], tracked=True)
    again = push(engine, replace=True)
    assert (again.run_id, again.tags, again.tracked) == (run.run_id, ("acme",), True)


def test_marks_go_on_with_a_pushed_run_that_is_pushed_anew(engine: Engine) -> None:
    run = push(engine)
    engine.finish(engine.reserve_one())
    marks.mark(engine.store, known(engine, run.run_id), by=BY, add=["acme"], tracked=True)
    again = push(engine, replace=True)
    assert (again.state, again.tags, again.tracked) == ("queued", ("acme",), True)


def test_a_tracked_run_that_a_newer_one_replaces_leaves_a_record(engine: Engine) -> None:
    engine.define("b/x", overlap="queue_latest")
    engine.fired("b/x", 1_000_000)
    waiting = engine.fired("b/x", 2_000_000)
    marks.mark(engine.store, known(engine, waiting), by=BY, tracked=True)
    engine.fired("b/x", 3_000_000)
    assert [(run.run_id, run.state) for run in marks.read_tracked(engine.store)] == [(waiting, "cancelled")]


def test_bounds_hold(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    other, run = over(engine, "b/y"), start(engine, queue="side")
    tags = [f"t{n}" for n in range(marks.MOST_TAGS)]
    marks.mark(engine.store, run, by=BY, add=tags)
    with pytest.raises(errors.Refused, match="at most 100 tags"):
        marks.mark(engine.store, run, by=BY, add=["one-more"])
    tracked = engine.store.key("tracked")
    engine.client.zadd(tracked, {f"b/x@{n}": n for n in range(1000)})
    with pytest.raises(errors.Refused, match="1000 runs are tracked"):
        marks.mark(engine.store, run, by=BY, tracked=True)
    engine.client.delete(tracked)
    marks.mark(engine.store, other, by=BY, add=["acme"])
    engine.client.zadd(engine.store.key("tagged"), {f"b/x@{n}": 1e15 + n for n in range(1000)})
    third = over(engine, "b/z")
    marks.mark(engine.store, third, by=BY, add=["acme"])
    assert other.run_id not in kept(engine)
    assert known(engine, other.run_id).tags == ()
    engine.client.zremrangebyscore(engine.store.key("tagged"), 1e15, "+inf")
    marks.mark(engine.store, third, by=BY, add=["acme", "vip"])


@pytest.mark.parametrize("family", ["tracked", "tagged", "marked", "live"])
def test_what_does_not_hold_together_is_mended(store: Store, family: str) -> None:
    engine = Engine(store)
    run = start(engine)
    if family == "marked":
        store.client.hset(store.key("marked"), "b/x@gone", b"\x80")
    elif family == "live":
        marks.mark(store, run, by=BY, tracked=True)
        store.client.delete(store.key("tracked"))
    else:
        store.client.zadd(store.key(family), {"b/x@gone": 1})
    assert len(fsck.repair(store)) == 1
    assert fsck.check(store) == []


def test_the_command_line_tags_and_tracks(
    engine: Engine, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run = start(engine, tags=["db"])
    assert told(store, capsys, "tag", "x", "acme", "vip", "--remove", "db") == f"{run.run_id}: acme, vip\n"
    assert asked(store, capsys, "tag", "x") == {"run": run.run_id, "tags": ["acme", "vip"]}
    assert "jobboard untrack" in told(store, capsys, "track", "x")
    assert asked(store, capsys, "track", "x")["tracked"] is True
    out = told(store, capsys, "show", run.run_id)
    assert "tags        acme, vip" in out
    assert "tracked     " in out
    (row,) = asked(store, capsys, "runs", "--tracked")["runs"]
    assert (row["run"], row["tags"], row["tracked"]) == (run.run_id, ["acme", "vip"], True)
    assert "not tracked any more" in told(store, capsys, "untrack", "x")
    assert told(store, capsys, "runs", "--tracked").startswith("No such run")
    assert jobboard(store, "tag", "x", "no tag") == 64
    assert "cannot be a tag" in capsys.readouterr().err
    lines = told(store, capsys, "events", "-o", "json").splitlines()
    kinds = [json.loads(line)["event"] for line in lines]
    assert kinds[-3:] == ["tagged", "tracked", "untracked"]


def test_a_program_does_it_too(engine: Engine, store: Store) -> None:
    run = over(engine)
    with Client(store.url, store.namespace, actor="ana") as client:
        assert client.tag("x", "acme", "vip") == ("acme", "vip")
        assert client.tag(run.run_id, remove=["vip"]) == ("acme",)
        client.track(run.run_id)
        assert [found.run_id for found in client.runs(tracked=True)] == [run.run_id]
        assert [found.tags for found in client.runs(tag="acme")] == [("acme",)]
        client.untrack("x")
        assert client.runs(tracked=True) == []
        with pytest.raises(errors.UsageError, match="cannot be a tag"):
            client.tag("x", "no tag")


def test_nothing_is_known_of_a_run_that_is_gone(engine: Engine) -> None:
    run = over(engine)
    destroy(engine.store, run, by=BY)
    with pytest.raises(errors.UsageError, match="nothing is known"):
        marks.mark(engine.store, run, by=BY, tracked=True)
